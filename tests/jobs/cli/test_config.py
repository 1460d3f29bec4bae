"""Where the command line finds its server and its token, and what it says when it does not."""

from pathlib import Path

import pytest

from jobs.cli.config import Config
from jobs.cli.errors import CommandError

TOLD = {"JOBSITE_URL": "http://127.0.0.1:8000", "JOBSITE_API_TOKEN": "jst_told"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project in whose var/ a platform has been started."""
    (tmp_path / "var").mkdir()
    keep(tmp_path / "var" / "server-url", "http://127.0.0.1:8100")
    keep(tmp_path / "var" / "cli-token", "jst_kept")
    return tmp_path


def keep(file: Path, text: str) -> None:
    file.write_text(f"{text}\n")
    file.chmod(0o600)


def refused(variables: dict[str, str], root: Path) -> str:
    with pytest.raises(CommandError) as refusal:
        Config.read(variables, root)
    assert refusal.value.hints
    return str(refusal.value)


def test_a_started_platform_needs_no_variable(root: Path) -> None:
    config = Config.read({}, root)
    assert (config.address.text, config.token) == ("http://127.0.0.1:8100", "jst_kept")


def test_the_variables_go_first(root: Path) -> None:
    config = Config.read(TOLD, root)
    assert (config.address.text, config.token) == ("http://127.0.0.1:8000", "jst_told")


def test_another_data_directory_is_another_platform(root: Path, tmp_path: Path) -> None:
    assert Config.read({"JOBSITE_VAR": str(root / "var")}, tmp_path / "elsewhere").token == "jst_kept"


def test_the_marker_of_a_job_is_not_taken_for_a_token(root: Path) -> None:
    assert Config.read({"JOBSITE_TOKEN": "marker"}, root).token == "jst_kept"


def test_a_platform_never_started_is_told_with_the_file_that_is_missing(tmp_path: Path) -> None:
    assert str(tmp_path / "var" / "server-url") in refused({}, tmp_path)


def test_a_missing_token_is_told_with_its_file(tmp_path: Path) -> None:
    assert str(tmp_path / "var" / "cli-token") in refused({"JOBSITE_URL": TOLD["JOBSITE_URL"]}, tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_token_that_others_can_read_is_refused(root: Path, mode: int) -> None:
    (root / "var" / "cli-token").chmod(mode)
    assert f"its mode is {mode:04o}" in refused({}, root)


def test_a_token_of_another_account_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 64999)
    assert "another account" in refused({}, root)


@pytest.mark.parametrize("text", ["", "two words", "a\x1b[31m", "ü"])
def test_a_token_is_one_plain_word(root: Path, text: str) -> None:
    keep(root / "var" / "cli-token", text)
    assert "holds no token" in refused({}, root)


@pytest.mark.parametrize(
    "url",
    ["localhost:8000", "ftp://h", "http://", "http://h:99999", "http://u@h", "http://h/?q", "http://h /"],
)
def test_an_address_that_is_none_is_refused_by_its_name(url: str, tmp_path: Path) -> None:
    assert refused({**TOLD, "JOBSITE_URL": url}, tmp_path).startswith(f"JOBSITE_URL is {url!r}")


def test_a_server_below_a_path_and_behind_tls_is_found(tmp_path: Path) -> None:
    address = Config.read({**TOLD, "JOBSITE_URL": "https://lab.example/jobs/"}, tmp_path).address
    assert (address.secure, address.host, address.port, address.path) == (True, "lab.example", None, "/jobs")
