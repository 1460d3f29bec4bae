"""A sandbox is a platform that may be made to fail on purpose. Nobody's jobs are in it.

So it uses the embedded servers of its own data directory, and no others; and nothing but a sandbox starts
with faults. Every process of the platform reads its settings first, and none starts when this refuses them.
"""

import os
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from jobsite import setting
from jobsite.setting import Given, OddSetting

_SERVERS: Final = ("DATABASE_URL", "LISTEN_DATABASE_URL", "REDIS_URL")


def is_one(given: Given, var: Path) -> bool:
    """Whether this platform is a sandbox. Raises OddSetting when one has a server of somebody else's."""
    sandbox = setting.truth(given, "JOBSITE_SANDBOX", default=False)
    for name in _SERVERS:
        if sandbox and name in given and not _is_inside(given[name], var / "run"):
            raise OddSetting(name, "…", f"unset, as JOBSITE_SANDBOX is on: servers in {var} alone may fail")
    return sandbox


def faults(given: Given) -> str:
    """The directory of the faults that are wanted. Empty: none. Raises OddSetting outside a sandbox."""
    directory = given.get("JOBSITE_FAULTS", "")
    if not directory:
        return ""
    if not setting.truth(given, "JOBSITE_SANDBOX", default=False):
        allowed = "unset, or JOBSITE_SANDBOX be 1: it makes processes fail on purpose"
        raise OddSetting("JOBSITE_FAULTS", directory, allowed)
    if not Path(directory).is_absolute() or not Path(directory).is_dir():
        raise OddSetting("JOBSITE_FAULTS", directory, "the whole path of a directory that is there")
    return directory


def _is_inside(url: str, run: Path) -> bool:
    """A unix socket in this very directory, whichever of its databases."""
    parts = urlsplit(url)
    if parts.scheme == "redis+socket":
        return unquote(f"{parts.netloc}{parts.path}") == str(run / "broker.sock")
    told = dict(parse_qsl(parts.query))
    return (
        not parts.hostname and "hostaddr" not in told and os.path.normpath(told.get("host", "/")) == str(run)
    )
