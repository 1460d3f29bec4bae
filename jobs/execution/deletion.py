"""Deletes what an ended job has left on its node, whatever it has made of it."""

import logging
import os
from pathlib import Path
from typing import Final

from jobs.execution import scratch

logger = logging.getLogger("jobs.agent")

PATIENCE: Final = 10.0
"""Seconds for one directory: the sweep has others to look at, and its rest has another turn."""


def delete(path: Path) -> bool:
    """Delete a directory, or the link in its place, and follow no link. False: not all of it is gone."""
    scratch.remove(str(path), PATIENCE)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("%s: not all is deleted: %s", path, error)
    else:
        logger.info("%s: deleted", path)
    return not os.path.lexists(path)
