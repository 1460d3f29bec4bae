"""The ground on which a platform starts: directories, lock, ports. Each refusal is one sentence."""

import errno
import os
import socket
from pathlib import Path

import psutil

from jobsite.embedded.lock import Lock, LockedError
from jobsite.environment import Environment
from jobsite.run.refusal import (
    AlreadyRunningError,
    TakenPortError,
    UnusableAddressError,
    UnwritableDirectoryError,
)

FLOWER_HOST = "127.0.0.1"  # an operator's tool behind one password: never on a network


def make_directories(var: Path) -> None:
    """The data directory and what everything needs in it, closed to others. Nothing outside it is touched."""
    try:
        var.mkdir(mode=0o700, parents=True, exist_ok=True)
        for directory in (var, var / "run", var / "logs", var / "spool"):
            directory.mkdir(mode=0o700, exist_ok=True)
            if directory.stat().st_mode & 0o077:
                directory.chmod(0o700)
    except OSError as error:
        raise UnwritableDirectoryError(var, error.strerror or str(error)) from error
    if not os.access(var, os.W_OK | os.X_OK):
        raise UnwritableDirectoryError(var, os.strerror(errno.EACCES))


def lock(var: Path) -> Lock:
    """One platform per data directory."""
    try:
        return Lock(var / "platform.lock").acquire()
    except LockedError as locked:
        raise AlreadyRunningError(var, locked.pid) from locked
    except OSError as error:
        raise UnwritableDirectoryError(var, error.strerror or str(error)) from error


def refuse_taken_ports(environment: Environment) -> None:
    """Both ports must be free now, so that a person learns who has them before anything is started."""
    _refuse_taken("JOBSITE_PORT", environment.host, environment.port)
    _refuse_taken("JOBSITE_FLOWER_PORT", FLOWER_HOST, environment.flower_port)


def _refuse_taken(variable: str, host: str, port: int) -> None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise TakenPortError(variable, port, _holder(port)) from error
        named = "JOBSITE_PORT" if error.errno == errno.EACCES else "JOBSITE_HOST"
        raise UnusableAddressError(named, host, port, error.strerror or str(error)) from error


def _holder(port: int) -> str:
    """The program that listens there, as far as the kernel tells us."""
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
            return f"{_program(connection.pid)} (pid {connection.pid})"
    return "a process that does not show itself"


def _program(pid: int) -> str:
    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return "a process"
