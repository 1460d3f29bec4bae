"""A process that has the product and its tests loaded, and forks for each version of the product.

To start pytest with all that it loads costs four seconds, and most mutants are seen in one. So a mutant's
functions are exchanged in memory, in a process of its own; what the tests exec finds it in the file, too.
What is no part of a function is not exchanged: that version needs a start of its own.
"""

import contextlib
import gc
import json
import os
import select
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType

import pytest

from jobsite import celery_app
from tests.eventually import eventually
from tests.remains import killed_in
from tests.session import ROOT, remove_groups

NEEDS_A_START = 77
OPTIMIZED = 0x1
"""Of the flags of code: it is a function's. A module's, or a class's body, is run only once."""
OPTIONS = ("-q", "--reuse-db", "-p", "no:cacheprovider", "-p", "tests.mutants.witness", "-p", "no:randomly")
QUIETLY = ("-W", "ignore::pytest.PytestAssertRewriteWarning")


def functions(code: CodeType) -> Iterator[CodeType]:
    """The code of every function in it that has a name, to any depth."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if is_named(constant):
                yield constant
            yield from functions(constant)


def is_named(code: CodeType) -> bool:
    """A function's code. What has no name is made anew each time, by the function that it is in."""
    return bool(code.co_flags & OPTIMIZED) and not code.co_name.startswith("<")


def frame(code: CodeType) -> tuple[object, ...]:
    """What is run when a module is imported, its classes' bodies with it, without what its functions do."""
    inner = [
        (one.co_name, None if is_named(one) else frame(one)) if isinstance(one, CodeType) else (one, "")
        for one in code.co_consts
    ]
    return code.co_code, code.co_names, repr(inner)


def exchange(path: Path, before: str, after: str) -> bool:
    """Give every function of this file its new code. False: not all of the change is in functions."""
    old, new = (compile(text, str(path), "exec") for text in (before, after))
    codes = {code.co_qualname: code for code in functions(new)}
    if frame(old) != frame(new) or [*map(_name, functions(old))] != [*map(_name, functions(new))]:
        return False
    if len(codes) != len(list(functions(new))):  # two of one name could not be told apart
        return False
    living = [
        one for one in gc.get_objects() if type(one) is FunctionType and one.__code__.co_filename == str(path)
    ]
    for function in living:
        if function.__code__.co_qualname in codes:
            function.__code__ = codes[function.__code__.co_qualname]
    return True


def _name(code: CodeType) -> tuple[str, tuple[str, ...]]:
    return code.co_qualname, code.co_freevars


class Loaded:
    """The product and its tests, in memory."""

    def __init__(self, tests: list[str]) -> None:
        from tests.conftest import SESSION  # noqa: PLC0415 - it starts the session

        self.directory = SESSION.directory
        self.environment = dict(os.environ)
        pytest.main([*OPTIONS, *QUIETLY, "--report=/dev/null", "--collect-only", "-qq", *tests])
        celery_app.set_current()  # pytest's plugin for Celery has made one of its own

    def test(self, changed: tuple[str, str, str] | None, command: list[str], within: float) -> int:
        """Run pytest in a process of its own. Answer NEEDS_A_START, or anything else when it is over."""
        child = os.fork()
        if child == 0:
            self._be_the_child(changed, command)
        pidfd = os.pidfd_open(child)
        ended, _, _ = select.select([pidfd], [], [], within)
        if not ended:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.close(pidfd)
        self._clear()
        return os.waitstatus_to_exitcode(status)

    def _be_the_child(self, changed: tuple[str, str, str] | None, command: list[str]) -> None:
        code = 1
        try:
            os.environ.clear()
            os.environ.update(self.environment)
            tempfile.tempdir = None
            (self.directory / "var").mkdir(mode=0o700, parents=True)
            if changed is not None and not exchange(ROOT / changed[0], *changed[1:]):
                code = NEEDS_A_START
            else:
                code = int(pytest.main([*OPTIONS, *QUIETLY, *command]))
        finally:
            sys.stdout.flush()
            os._exit(code)

    def _clear(self) -> None:
        """Of a run that was cut off, and of a product that is broken, something may be left."""
        if self.directory.exists():
            remove_groups(self.directory)
        eventually(lambda: killed_in(self.directory), within=20, what="the end of what a mutant left running")
        shutil.rmtree(self.directory, ignore_errors=True)


def serve() -> None:
    """Answer each line on standard input with one on standard output."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    tests, *_ = json.loads(sys.stdin.readline())
    loaded = Loaded(tests)
    answers.write("loaded\n")
    answers.flush()
    with contextlib.suppress(KeyboardInterrupt):
        for line in sys.stdin:
            answers.write(f"{loaded.test(*json.loads(line))}\n")
            answers.flush()


if __name__ == "__main__":
    serve()
