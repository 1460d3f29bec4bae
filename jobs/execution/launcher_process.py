"""The launcher: forks a wrapper for each attempt that the worker asks for. Standard library alone.

An interpreter that is exec'd for each job costs more than all the rest of a short job; a fork of one that is
there costs a tenth. The launcher holds no database, no broker and no secret. It hears on descriptor 0, a
socket without a name whose other end only the worker holds: nobody else can ask it for anything, not even a
job of the same account, and the socket's end tells it that the worker has gone. Its wrappers do not need it:
they go on when it ends.
"""

import _socket  # what `socket` adds is memory that every wrapper would carry
import contextlib
import gc
import os
import signal
import sys

from jobs.execution import dense, kernel, marker, wrapper
from jobs.faults import faultpoint

LONGEST_REQUEST = 16384
DESCRIPTOR = 4
"""Bytes of the one descriptor that comes with a request."""


def main():  # type: () -> int
    """Fork until the worker hangs up."""
    room = marker.room()
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # nobody may be there to hear an answer
    signal.signal(signal.SIGCHLD, _reap)
    _call_itself(b"jobsite-launch", readable=False)
    requests = _socket.socket(fileno=0)
    dense.pack()
    gc.freeze()  # a wrapper that looked for garbage here would copy every page that it only reads
    while True:
        request, descriptors, _, _ = requests.recvmsg(
            LONGEST_REQUEST, _socket.CMSG_SPACE(DESCRIPTOR), _socket.MSG_CMSG_CLOEXEC
        )
        if not request:
            return 0
        for _, _, packed in descriptors:
            reply = int.from_bytes(packed[:DESCRIPTOR], sys.byteorder)
            faultpoint("launcher.before_fork")
            _fork(room, request, reply)
            os.close(reply)


def _fork(room, request, reply):  # type: (memoryview, bytes, int) -> None
    """One fork a wrapper. Where there can be none, the answer says why."""
    try:
        pid = os.fork()
    except OSError as error:
        with contextlib.suppress(OSError):
            os.write(reply, f"no wrapper could be forked: {error}\n".encode())
        return
    if pid == 0:
        _become_wrapper(room, request, reply)


def _become_wrapper(room, request, reply):  # type: (memoryview, bytes, int) -> None
    """In the child: take the marker, let go of what is the launcher's, supervise. Never returns."""
    code = 1
    try:
        os.dup2(reply, 1)
        token, boot_id_file, directory = request.split(b"\0")
        marker.put(room, token)
        _call_itself(b"jobsite-wrapper", readable=True)  # the agent knows it by its marker
        if boot_id_file:
            os.environb[b"JOBSITE_BOOT_ID_FILE"] = boot_id_file
        os.chdir(directory)
        _open_as("/dev/null", os.O_RDWR, 0)
        _open_as("wrapper.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 2)
        code = wrapper.run()
    except BaseException as error:  # noqa: BLE001 - whatever it is, this must not become a second launcher
        with contextlib.suppress(OSError):
            os.write(1, f"the wrapper failed: {error}\n".encode())
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def _open_as(path, flags, number):  # type: (str, int, int) -> None
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    os.dup2(descriptor, number)
    os.close(descriptor)


def _call_itself(name, *, readable):  # type: (bytes, bool) -> None
    """The name that `ps` shows; and whether others of its account may reach its memory and descriptors."""
    kernel.set_for_this_process(kernel.PR_SET_NAME, name)
    kernel.set_for_this_process(kernel.PR_SET_DUMPABLE, int(readable))


def _reap(*_):  # type: (*object) -> None
    """Take the wrappers that have ended, so that they do not stay zombies."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
