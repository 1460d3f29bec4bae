"""A job's own input and output files: opened in its child, as its own account, and noted for their readers.

Standard library alone, as the wrapper. No link, pipe or device is opened but /dev/null: a name that a person
gave must not make the platform wait, nor write where somebody else points it to. Everything is opened before
anything is emptied, so that a job which cannot start has changed no file.
"""

import errno
import json
import os
import stat

NOTHING = "/dev/null"
NOTE = "streams.json"
SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
FOR_WRITING = os.O_WRONLY | os.O_CREAT | os.O_APPEND


class UnopenedError(OSError):
    """A file that the job was to read or write cannot be opened."""


def redirect(request, directory):  # type: (dict[str, object], str) -> None
    """Put the files of the request in the place of 0, 1 and 2, and note in `directory` where output goes.

    Without a file of its own, the error output goes where the output goes. Raises UnopenedError.
    """
    stdin, stdout, stderr = (str(request.get(name) or "") for name in ("stdin", "stdout", "stderr"))
    source = _open("input", stdin, os.O_RDONLY) if stdin else None
    opened = {}  # type: dict[str, tuple[str, int]]
    for name, what, path in (("stdout", "output", stdout), ("stderr", "error output", stderr)):
        if name == "stderr" and path == stdout and "stdout" in opened:
            opened[name] = opened["stdout"]
        elif path:
            opened[name] = (path, _open(what, path, FOR_WRITING))
    append = request.get("open_mode") == "append"
    notes = {name: _begin(path, descriptor, append) for name, (path, descriptor) in opened.items()}
    if notes:
        _write_note(directory, notes)
    if source is not None:
        os.dup2(source, 0)
    for name, targets in (("stdout", (1, 2)), ("stderr", (2,))):
        for target in targets if name in opened else ():
            os.dup2(opened[name][1], target)


def append(path, line):  # type: (str, bytes) -> None
    """Add a line to the plain file that has this name now. Raises OSError."""
    descriptor = _open("error output", path, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


def _open(what, path, flags):  # type: (str, str, int) -> int
    """A plain file, or /dev/null."""
    try:
        descriptor = os.open(path, flags | SAFELY, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP and os.path.islink(path):  # noqa: PTH114 - pathlib is a heavy import
            raise UnopenedError(f"the {what} file {path!r} is a link, and links are not followed") from error
        raise UnopenedError(f"the {what} file cannot be opened: {error}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode) and path != NOTHING:
        raise UnopenedError(f"the {what} file {path!r} is not a plain file")
    os.set_blocking(descriptor, True)
    return descriptor


def _begin(path, descriptor, append):  # type: (str, int, bool) -> dict[str, object]
    """Empty it, unless it is appended to. Which file it is, and where this attempt's part of it begins."""
    if path != NOTHING and not append:
        try:
            os.ftruncate(descriptor, 0)
        except OSError as error:
            raise UnopenedError(f"the file {path!r} cannot be emptied: {error}") from error
    facts = os.fstat(descriptor)
    return {"path": path, "device": facts.st_dev, "inode": facts.st_ino, "begins": facts.st_size}


def _write_note(directory, notes):  # type: (str, dict[str, dict[str, object]]) -> None
    temporary = os.path.join(directory, f".{NOTE}")  # noqa: PTH118
    with open(temporary, "w") as file:  # noqa: PTH123
        json.dump({"version": 1, **notes}, file)
    os.rename(temporary, os.path.join(directory, NOTE))  # noqa: PTH104, PTH118
