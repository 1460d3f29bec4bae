"""Under which account PostgreSQL runs, because it refuses root and an account without a name.

As root it runs in a user namespace that maps root to an ordinary id: its files stay root's, no account and no
mode is touched. Where namespaces are refused, an unprivileged account owns its files, and one capability lets
it through the closed directories above them; the start says so.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from jobsite.embedded.error import ServerError

_PREFERRED = ("postgres", "nobody", "daemon")


class NoAccountError(ServerError):
    """PostgreSQL cannot run here at all."""

    def __init__(self) -> None:
        super().__init__(
            "PostgreSQL does not run as root, and this machine allows neither a user namespace nor another"
            " account for it. Start as an ordinary user, or set DATABASE_URL to a server of your own."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How to start PostgreSQL: what goes before its command, who owns its files, what to tell a person."""

    prefix: tuple[str, ...] = ()
    owner: int | None = None
    note: str = ""


def choose(data: Path) -> Account:
    """The account for the server whose files are, or will be, in `data`."""
    if os.geteuid() != 0 and _has_a_name(os.geteuid()):
        return Account()
    namespace = in_namespace()
    owner = data.stat().st_uid if data.exists() else os.geteuid()
    if owner == os.geteuid() and _works(namespace):
        return namespace
    account = under(owner or _unprivileged().pw_uid)
    if os.geteuid() == 0 and _works(account):
        return account
    raise NoAccountError


def in_namespace() -> Account:
    """Root, seen by PostgreSQL as an ordinary user that the machine has a name for."""
    user = _unprivileged().pw_uid
    return Account(prefix=("unshare", "--user", f"--map-user={user}", f"--map-group={user}"))


def under(user: int) -> Account:
    """Another account, which may pass closed directories but is not root."""
    account = pwd.getpwuid(user)
    capability = ("--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override")
    identity = (f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups")
    return Account(
        prefix=("setpriv", *identity, *capability, "--pdeathsig=KILL"),  # changing the id clears the shim's
        owner=account.pw_uid,
        note=f"runs under the account {account.pw_name}: this machine refuses user namespaces",
    )


def _works(account: Account) -> bool:
    try:
        trial = subprocess.run([*account.prefix, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return trial.returncode == 0


def _unprivileged() -> pwd.struct_passwd:
    """initdb looks the name of its id up, so the id must be one that the machine knows."""
    accounts = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    for name in _PREFERRED:
        if name in accounts:
            return accounts[name]
    if not accounts:
        raise NoAccountError
    return next(iter(accounts.values()))


def _has_a_name(user: int) -> bool:
    return any(entry.pw_uid == user for entry in pwd.getpwall())
