"""Where the browser of the ui tests is: a chromium on PATH, else the one that Playwright has downloaded."""

import os
import shutil
from pathlib import Path

HOW_TO_GET_ONE = "install chromium or run playwright install chromium"


def executable() -> Path | None:
    """None when this machine has neither."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    return next(iter(sorted(cache.glob("chromium-*/chrome-linux*/chrome"), reverse=True)), None)
