"""Settings: what is read, what is refused and in which words."""

from datetime import timedelta
from pathlib import Path

import pytest

from jobsite.environment import Environment, OddSetting
from jobsite.machine import Machine


def read(var: Path, **variables: str) -> Environment:
    return Environment.read({"JOBSITE_VAR": str(var), **variables})


@pytest.fixture
def var() -> Path:
    """A short path that is not there: reading must not make it."""
    return Path("/tmp/jobsite-that-is-not-there")


def test_without_variables_everything_has_its_default(var: Path) -> None:
    environment = Environment.read({})
    assert (environment.host, environment.port, environment.flower_port) == ("127.0.0.1", 8000, 5555)
    assert environment.var.is_absolute()
    assert environment.var.name == "var"
    assert environment.cpus >= 1
    assert environment.memory_mb >= 1
    assert environment.embedded_postgres
    assert environment.embedded_broker
    assert environment.time_scale == 1.0
    assert not environment.debug


def test_the_embedded_servers_answer_on_sockets_below_the_data_directory(var: Path) -> None:
    environment = read(var)
    assert environment.database_url == f"postgresql://postgres@/jobsite?host={var}/run"
    assert environment.listen_database_url == environment.database_url
    assert environment.redis_url == f"redis+socket://{var}/run/broker.sock"


def test_servers_of_ones_own_replace_the_embedded_ones(var: Path) -> None:
    environment = read(var, DATABASE_URL="postgresql://me:pw@db/jobs", REDIS_URL="redis://cache:6379/0")
    assert not environment.embedded_postgres
    assert not environment.embedded_broker
    assert environment.listen_database_url == "postgresql://me:pw@db/jobs"


def test_listening_may_go_around_a_pooler(var: Path) -> None:
    environment = read(
        var, DATABASE_URL="postgresql://pooler/jobs", LISTEN_DATABASE_URL="postgresql://db/jobs"
    )
    assert environment.listen_database_url == "postgresql://db/jobs"


def test_reading_writes_nothing(var: Path) -> None:
    read(var)
    assert not var.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JOBSITE_PORT", "x"),
        ("JOBSITE_PORT", "0"),
        ("JOBSITE_PORT", "65536"),
        ("JOBSITE_PORT", "-1"),
        ("JOBSITE_FLOWER_PORT", "8000"),
        ("JOBSITE_FLOWER_PORT", "5555.0"),
        ("JOBSITE_HOST", "not a host"),
        ("JOBSITE_HOST", "300.1.1.1"),
        ("JOBSITE_NODE_NAME", "-x"),
        ("JOBSITE_NODE_NAME", "a.b"),
        ("JOBSITE_NODE_NAME", "../up"),
        ("JOBSITE_NODE_NAME", "n" * 64),
        ("JOBSITE_CPUS", "0"),
        ("JOBSITE_CPUS", "1.5"),
        ("JOBSITE_CPUS", "-1"),
        ("JOBSITE_CPUS", "1000000000"),
        ("JOBSITE_CPUS", "²"),
        ("JOBSITE_MEMORY", "8 potatoes"),
        ("JOBSITE_MEMORY", "0"),
        ("JOBSITE_MEMORY", "-1"),
        ("JOBSITE_GPUS", "-1"),
        ("JOBSITE_GPUS", "many"),
        ("DATABASE_URL", "mysql://db/jobs"),
        ("DATABASE_URL", "jobs"),
        ("LISTEN_DATABASE_URL", "http://db"),
        ("REDIS_URL", "amqp://broker"),
        ("REDIS_URL", "redis://broker:port"),
        ("JOBSITE_SECRET_KEY", "short"),
        ("JOBSITE_ALLOWED_HOSTS", "good.example,bad host"),
        ("JOBSITE_TRUSTED_ORIGINS", "jobs.example.org"),
        ("JOBSITE_TRUSTED_ORIGINS", "https://jobs.example.org/path"),
        ("JOBSITE_SPOOL_RETENTION", "0"),
        ("JOBSITE_SPOOL_RETENTION", "2w"),
        ("JOBSITE_LEDGER_RETENTION", "-1"),
        ("JOBSITE_NODE_EVENT_RETENTION", "36501"),
        ("JOBSITE_JOB_RETENTION", "²"),
        ("JOBSITE_JOB_RETENTION", "13"),
        ("JOBSITE_RECOVERY_ALERT", "0"),
        ("JOBSITE_DEBUG", "perhaps"),
        ("JOBSITE_TIME_SCALE", "0.01"),
        ("JOBSITE_TIME_SCALE", "2"),
        ("JOBSITE_TIME_SCALE", "nan"),
    ],
)
def test_an_odd_value_is_refused_with_its_name_and_the_allowed_form(var: Path, name: str, value: str) -> None:
    with pytest.raises(OddSetting) as refusal:
        read(var, **{name: value})
    assert refusal.value.name == name
    assert str(refusal.value).startswith(f"{name} is ")
    assert "it must be " in str(refusal.value)


def test_things_are_kept_for_as_many_days_as_somebody_says_or_for_ever(var: Path) -> None:
    usual = read(var)
    assert (usual.job_retention, usual.spool_retention) == (None, timedelta(days=14))
    assert (usual.ledger_retention, usual.node_event_retention) == (timedelta(days=90), timedelta(days=365))
    said = read(
        var, JOBSITE_JOB_RETENTION="3", JOBSITE_SPOOL_RETENTION="3", JOBSITE_LEDGER_RETENTION="Forever"
    )
    assert (said.job_retention, said.spool_retention) == (timedelta(days=3), timedelta(days=3))
    assert said.ledger_retention is None


def test_no_job_is_forgotten_before_what_it_left_on_its_node_is_deleted(var: Path) -> None:
    with pytest.raises(OddSetting, match="it must be 14 or more: nobody could tell"):
        read(var, JOBSITE_JOB_RETENTION="13")
    with pytest.raises(OddSetting, match="it must be forever, as JOBSITE_SPOOL_RETENTION"):
        read(var, JOBSITE_JOB_RETENTION="30", JOBSITE_SPOOL_RETENTION="forever")


def test_the_sentence_names_setting_value_and_form(var: Path) -> None:
    with pytest.raises(OddSetting, match=r"^JOBSITE_PORT is 'x'; it must be a port number from 1 to 65535.$"):
        read(var, JOBSITE_PORT="x")


def test_a_printed_environment_shows_no_secret(var: Path) -> None:
    secret, password = "k" * 60, "hunter2"
    urls = {"DATABASE_URL": f"postgresql://me:{password}@db/jobs", "REDIS_URL": f"redis://:{password}@cache"}
    printed = repr(read(var, JOBSITE_SECRET_KEY=secret, **urls))
    assert secret not in printed
    assert password not in printed


@pytest.mark.parametrize(
    ("origins", "only"),
    [
        ("", False),
        ("https://a.example", True),
        ("https://a.example, https://b.example:8443", True),
        ("https://a.example,http://b.example", False),
    ],
)
def test_the_web_is_reached_by_https_alone_where_all_its_origins_are_https(
    var: Path, origins: str, *, only: bool
) -> None:
    assert read(var, JOBSITE_TRUSTED_ORIGINS=origins).https_only is only


def test_an_empty_variable_is_not_set(var: Path) -> None:
    assert read(var, JOBSITE_PORT="", DATABASE_URL="").port == 8000


def test_a_path_too_long_for_a_socket_is_refused_by_name() -> None:
    with pytest.raises(OddSetting, match=r"JOBSITE_VAR is .* bytes shorter: a unix socket's path holds 107"):
        read(Path("/tmp") / ("d" * 90))


def test_the_longest_socket_path_that_fits_is_accepted() -> None:
    longest = Path("/tmp") / ("d" * (107 - len("/tmp/") - len("/run/.s.PGSQL.5432") - 8))
    assert read(longest, JOBSITE_NODE_NAME="n").var == longest


def test_the_data_directory_may_be_relative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/tmp")
    assert Environment.read({"JOBSITE_VAR": "a/../b"}).var == Path("/tmp/b")


def test_a_file_is_no_data_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OddSetting, match="not of a file"):
        read(tmp_path / "file")


@pytest.mark.parametrize(("text", "mebibytes"), [("512M", 512), ("16G", 16384), ("300", 300)])
def test_memory_is_an_amount_or_mebibytes(var: Path, text: str, mebibytes: int) -> None:
    assert read(var, JOBSITE_MEMORY=text).memory_mb == mebibytes


def test_capacity_may_exceed_the_machine(var: Path) -> None:
    environment = read(var, JOBSITE_CPUS="500", JOBSITE_GPUS="8", JOBSITE_MEMORY="1000G")
    assert (environment.cpus, environment.gpus, environment.memory_mb) == (500, 8, 1_024_000)


def test_the_secret_key_is_kept_in_a_file_or_dies_with_the_process(tmp_path: Path) -> None:
    assert read(tmp_path).secret_key != read(tmp_path).secret_key
    (tmp_path / "secret-key").write_text("k" * 60 + "\n")
    assert read(tmp_path).secret_key == "k" * 60
    assert read(tmp_path, JOBSITE_SECRET_KEY="v" * 50).secret_key == "v" * 50


def test_the_address_listened_on_is_an_allowed_host(var: Path) -> None:
    assert "jobs.example.org" in read(var, JOBSITE_HOST="jobs.example.org").allowed_hosts
    assert "[::2]" in read(var, JOBSITE_HOST="::2").allowed_hosts
    assert "::" not in "".join(read(var, JOBSITE_HOST="::").allowed_hosts).replace("[::1]", "")
    assert read(var, JOBSITE_ALLOWED_HOSTS="a.example, .b.example").allowed_hosts == (
        "a.example",
        ".b.example",
    )


def machine(directory: Path, groups: str, files: dict[str, str]) -> Machine:
    laid_out = {"proc/self/cgroup": groups, "proc/meminfo": "MemTotal: 4096000 kB\n", **files}
    for name, text in laid_out.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Machine(proc=directory / "proc", cgroups=directory / "cgroup")


def test_a_version_2_group_limits_cpus_and_memory(tmp_path: Path) -> None:
    limits = {
        "cgroup/a/cpu.max": "100000 100000\n",
        "cgroup/a/b/cpu.max": "max 100000",
        "cgroup/a/memory.max": "1048576",
    }
    limited = machine(tmp_path, "0::/a/b\n", limits)
    assert (limited.cpus(), limited.memory_mb()) == (1, 1)


def test_a_version_1_group_limits_cpus_and_memory(tmp_path: Path) -> None:
    limits = {
        "cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000",
        "cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
        "cgroup/memory/j/memory.limit_in_bytes": str(64 * 1024 * 1024),
    }
    limited = machine(tmp_path, "4:memory:/j\n1:cpu,cpuacct:/elsewhere\n0::/\n", limits)
    assert (limited.cpus(), limited.memory_mb()) == (1, 64)


def test_no_limit_is_the_whole_machine(tmp_path: Path) -> None:
    whole = machine(tmp_path, "0::/\n", {"cgroup/cpu.max": "max 100000", "cgroup/memory.max": "max"})
    assert whole.memory_mb() == 4000
    assert whole.gpus() == 0


def test_gpus_are_those_the_driver_shows(tmp_path: Path) -> None:
    cards = {f"proc/driver/nvidia/gpus/{card}/information": "" for card in ("0000:01", "0000:02")}
    assert machine(tmp_path, "", cards).gpus() == 2
