"""The two embedded servers without the rest of the platform: tests start them, use them and stop them."""

import select
from pathlib import Path
from types import TracebackType
from typing import Self

from jobsite.embedded.broker import Broker
from jobsite.embedded.error import ServerError
from jobsite.embedded.postgres import Postgres
from jobsite.environment import embedded_database_url, embedded_redis_url
from jobsite.run.child import Child

Server = Postgres | Broker


class ServerFailedError(ServerError):
    """A server ended or stayed silent instead of becoming ready."""

    def __init__(self, name: str, log: Path) -> None:
        self.name, self.log = name, log
        words = log.read_text(errors="replace").strip()[-1000:] if log.exists() else ""
        super().__init__(f"{name} did not become ready. Its log, {log}, ends with: {words}")


class EmbeddedServers:
    """PostgreSQL and the broker of one data directory, as a context."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.database_url = embedded_database_url(var)
        self.redis_url = embedded_redis_url(var)
        self._servers: dict[str, Server] = {server.name: server for server in (Postgres(var), Broker(var))}
        self._children: dict[str, Child] = {}

    def __enter__(self) -> Self:
        for directory in (self.var, self.var / "run", self.var / "logs"):
            directory.mkdir(mode=0o700, exist_ok=True)
        try:
            for name in self._servers:
                self.start(name)
            for name in self._servers:
                self.wait_ready(name)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in self._children:
            self.stop(name)
        for server in self._servers.values():
            server.lock.release()

    def start(self, name: str) -> None:
        """Start one server, the first time or again."""
        server = self._servers[name]
        server.prepare()
        self._children[name] = Child(
            server.argv,
            environment=server.environment,
            log=self._log(name),
            directory=self.var,
        )

    def wait_ready(self, name: str, *, within: float = 15.0) -> None:
        """Wait until one server answers. Raises ServerFailedError."""
        child = self._children[name]
        while not self._servers[name].is_ready(child.pid):
            if child.exit_code is not None or child.age > within:
                raise ServerFailedError(name, self._log(name))
            select.select([], [], [], 0.01)

    def stop(self, name: str, *, within: float = 5.0) -> None:
        """Stop one server, by force when it does not end in time."""
        child = self._children[name]
        if child.exit_code is None:
            child.send(self._servers[name].stop_signal)
        if not child.wait(within):
            child.kill_group()

    def pid(self, name: str) -> int:
        """The process number of a server, for tests that do it harm."""
        return self._children[name].pid

    def _log(self, name: str) -> Path:
        return self.var / "logs" / f"{name}.log"
