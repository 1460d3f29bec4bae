"""What the platform is told in confidence reaches nobody: no job, no other account, no list of processes."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobsite.environment import embedded_database_url
from tests.acceptance.fixtures_faults import tell
from tests.acceptance.test_run import ORDINARY
from tests.client import Client
from tests.platform import Platform

pytestmark = pytest.mark.acceptance

AS_ROOT = os.geteuid() == 0
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs")
STRANGER = NOBODY if AS_ROOT else ()
"""Before a command: another account runs it. Who is not root has none, and looks with their own."""

PROCESSES = """
for process in /proc/[0-9]*; do
    tr '\\0' '\\n' < $process/environ
    tr '\\0' '\\n' < $process/cmdline
    cat $process/maps
    ls -l $process/fd
done 2>/dev/null
true
"""
OWN = "tr '\\0' '\\n' < /proc/$$/environ; tr '\\0' '\\n' < /proc/$$/cmdline; ls -l /proc/$$/fd"
FILES = "find {} -type f -exec cat {{}} + 2>/dev/null"
SECRET_FILES = ("admin-password", "cli-token", "flower-password", "login-link")


class Canaries:
    """Secrets that are told in the environment, and those that a start makes and keeps in files."""

    def __init__(self) -> None:
        self.told = {name: f"canary-{secrets.token_hex(24)}" for name in ("key", "cloud", "password")}

    def settings(self, var: Path) -> dict[str, str]:
        """How an operator tells them."""
        return {
            "JOBSITE_SECRET_KEY": self.told["key"],
            "AWS_SECRET_ACCESS_KEY": self.told["cloud"],
            "LISTEN_DATABASE_URL": embedded_database_url(var).replace("@", f":{self.told['password']}@"),
        }

    def found_in(self, text: str, platform: Platform) -> list[str]:
        """The names of those that are in the text."""
        kept = {name: (platform.var / name).read_text().strip().rpartition("=")[2] for name in SECRET_FILES}
        return [name for name, secret in {**self.told, **kept}.items() if secret in text]


@pytest.fixture(scope="module")
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture(scope="module")
def platform(canaries: Canaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Under an ordinary account, as its jobs: root would be allowed to read everything."""
    var = tmp_path_factory.mktemp("secrets") / "v"
    prefix = ORDINARY if AS_ROOT else ()
    with Platform(var, prefix=prefix, **canaries.settings(var)) as running:
        yield running


def test_s22_a_job_finds_no_secret_in_what_it_is_given_nor_in_any_process_of_its_own_account(
    platform: Platform, client: Client, canaries: Canaries, tmp_path: Path
) -> None:
    dump = tmp_path / "dump"
    job = client.submit(f"exec > {dump}\n{OWN}\n{PROCESSES}")
    assert client.ended(job)[0]["exit_code"] == 0
    seen = dump.read_text(errors="replace")
    assert "jobsite.run" in seen
    assert f"SLURM_JOB_ID={job}" in seen
    assert canaries.found_in(seen, platform) == []


def test_s22_another_account_finds_no_secret_in_processes_and_files(
    platform: Platform, canaries: Canaries
) -> None:
    script = PROCESSES + (FILES.format(platform.var) if AS_ROOT else "")
    looked = subprocess.run([*STRANGER, "sh", "-c", script], capture_output=True, check=False)
    seen = looked.stdout.decode(errors="replace")
    assert "jobsite.run" in seen
    assert canaries.found_in(seen, platform) == []


def test_s25_the_node_says_what_a_job_of_the_same_account_can_read_all_the_same(
    platform: Platform, client: Client, canaries: Canaries
) -> None:
    job = client.submit("cat " + " ".join(str(platform.var / name) for name in SECRET_FILES))
    client.ended(job)
    assert canaries.found_in(client.output(job).decode(), platform) == list(SECRET_FILES)
    said = tell(platform, "from jobs.models import Node; print(Node.objects.get().enforcement['separation'])")
    assert "'advisory'" in said
    assert "the files in which this platform keeps its passwords" in said
