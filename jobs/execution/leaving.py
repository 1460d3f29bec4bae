"""How a worker ends itself when it should not go on: as an operator would ask it to, or else by force."""

import logging
import os
import signal
import threading
from typing import Final

logger = logging.getLogger("jobs.agent")

PATIENCE: Final = 20.0
"""Seconds. A worker whose loop hangs hears no signal; nothing of it is worth waiting longer for."""
FORCED: Final = 75
"""The exit code then (EX_TEMPFAIL of sysexits.h): whoever supervises it starts it again."""


def leave(why: str, patience: float = PATIENCE) -> None:
    """Ask this process to end, and end it when it does not. The jobs go on either way."""
    logger.critical("the worker leaves: %s", why)
    os.kill(os.getpid(), signal.SIGTERM)
    last_resort = threading.Timer(patience, os._exit, [FORCED])
    last_resort.daemon = True
    last_resort.start()
