"""`python -m jobsite.run`: everything on one machine, from the data directory to `Ready`, until Ctrl-C."""

import os
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

from jobsite.embedded.broker import Broker
from jobsite.embedded.error import ServerError
from jobsite.embedded.postgres import Postgres
from jobsite.environment import ROOT, Environment, OddSetting
from jobsite.run import charges, ground, prepare, processes
from jobsite.run.console import Console, seconds_since_exec
from jobsite.run.processes import Stage
from jobsite.run.record import Record
from jobsite.run.refusal import RefusalError
from jobsite.run.supervisor import Supervisor
from jobsite.run.wakeup import StopRequested, Wakeup
from jobsite.seclusion import seclude


def main() -> int:
    """The exit code: 0 after an orderly stop, 1 when the platform cannot start."""
    seclude()
    try:
        run(Environment.read(os.environ))
    except (OddSetting, RefusalError, ServerError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Jobsite cannot go on: {error}", file=sys.stderr)
        return 1
    return 0


def run(environment: Environment) -> None:
    """Start the platform and stay until somebody asks to stop."""
    console = Console()
    with ExitStack() as held:
        wakeup = held.enter_context(Wakeup())
        ground.make_directories(environment.var)
        held.callback(ground.lock(environment.var).release)
        record = Record(environment.var / "run" / "children.json")
        for name in record.end_leftovers():
            console.line(f"  {name} was left by a start that was killed, and has been ended.")
        ground.refuse_taken_ports(environment)
        console.line(f"jobsite · data in {shown(environment.var)} · Ctrl-C stops everything")
        logs = environment.var / "logs"
        supervisor = Supervisor(logs=logs, directory=ROOT, console=console, record=record, wakeup=wakeup)
        try:
            with suppress(StopRequested):
                if start(environment, supervisor, console, wakeup):
                    supervisor.run()
            console.line("Stopping.")
        finally:
            stop(supervisor, console)
            record.clear()


def start(environment: Environment, supervisor: Supervisor, console: Console, wakeup: Wakeup) -> bool:
    """Start everything. False: we were asked to stop before it was ready."""
    kept = environment.var
    if "JOBSITE_SECRET_KEY" not in os.environ:
        prepare.kept_secret(kept / "secret-key")
    flower_password = prepare.kept_secret(kept / "flower-password")
    common = processes.common(environment, os.environ)
    os.environ.clear()
    os.environ.update(common)
    supervisor.take(charges.of_server(server) for server in servers(environment))
    with wakeup.interrupting():
        prepare.set_up_django()
        if not environment.embedded_broker:
            prepare.refuse_silent_broker(environment.redis_url)
    if not supervisor.run_until_ready():
        return False
    with wakeup.interrupting():
        prepare.migrate()
    table = processes.table(environment, flower_password)
    supervisor.take(charges.of_process(process, environment, common) for process in table)
    with wakeup.interrupting():
        link = prepare.open_the_door(environment)
    if not supervisor.run_until_ready():
        return False
    console.line(f"Ready in {seconds_since_exec():.1f}s. Open: {link}  (works once, within 15 minutes)")
    console.line(
        f"Operator: {prepare.OPERATOR}, password in {shown(kept / 'admin-password')}.",
    )
    console.line("This shell's CLI is logged in. Try: .venv/bin/jobsite run -- echo hello")
    if os.geteuid() == 0:
        console.line(
            "Jobs run as root here: whoever may submit can read and change everything on this machine."
        )
    return True


def servers(environment: Environment) -> list[Broker | Postgres]:
    """The embedded servers that nothing of the person's own replaces."""
    broker = [Broker(environment.var)] if environment.embedded_broker else []
    postgres = [Postgres(environment.var)] if environment.embedded_postgres else []
    return [*broker, *postgres]


def stop(supervisor: Supervisor, console: Console) -> None:
    """Stop in order, and say which jobs go on without us."""
    supervisor.stop(Stage.FRONT)
    running = prepare.running_jobs()
    supervisor.stop(Stage.SERVERS)
    if running:
        numbers = " ".join(str(number) for number, _ in running)
        names = ", ".join(f"{number} ({name})" for number, name in running)
        console.line(f"Still running: {names}. The next `make run` finds them.")
        console.line(f"To stop them: `make run`, then .venv/bin/jobsite cancel {numbers}")


def shown(path: Path) -> str:
    """A path as the person would type it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


if __name__ == "__main__":
    sys.exit(main())
