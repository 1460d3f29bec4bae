"""docker-compose.yml is the process table of `make run`: the same commands, variables and checks."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobsite.environment import Environment
from jobsite.run import processes
from jobsite.run.health import CHECKS

ROOT = Path(__file__).resolve().parents[2]
NOT_A_PROCESS = {"postgres", "broker", "setup"}
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(:-(?P<default>[^}]*)|:\?[^}]*)\}")
ONLY_FOR_COMPOSE = {"POSTGRES_PASSWORD", "FLOWER_PASSWORD"}


def composed(**variables: str) -> dict[str, Any]:
    """The services as `docker compose` reads them where these variables are set and no others."""
    told = {**dict.fromkeys(ONLY_FOR_COMPOSE, "secret"), **variables}

    def value(found: re.Match[str]) -> str:
        return told.get(found["name"]) or found["default"] or ""

    written = json.dumps(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"])
    text = VARIABLE.sub(value, written)
    assert "$" not in text
    services: dict[str, Any] = json.loads(text)
    return services


@pytest.fixture(scope="module", params=[{}, {"JOBSITE_PORT": "8100", "JOBSITE_FLOWER_PORT": "5600"}], ids=str)
def services(request: pytest.FixtureRequest) -> dict[str, Any]:
    return composed(**request.param)


@pytest.fixture(scope="module")
def environment(services: dict[str, Any]) -> Environment:
    """The settings of the web's container, as the process table reads them."""
    return Environment.read(services["web"]["environment"])


@pytest.fixture(scope="module")
def table(environment: Environment) -> dict[str, processes.Process]:
    made = processes.table(environment, "secret", flower_host="0.0.0.0")  # noqa: S104 - in its container
    return {process.name: process for process in made}


def test_the_services_are_the_processes_of_make_run_and_its_two_servers(
    services: dict[str, Any], table: dict[str, processes.Process]
) -> None:
    assert set(services) == set(table) | NOT_A_PROCESS
    assert set(processes.STOP_ORDER) == set(services) - {"setup"}


def test_each_service_runs_the_command_of_the_table(
    services: dict[str, Any], table: dict[str, processes.Process]
) -> None:
    commands = {name: ["python", *process.argv[1:]] for name, process in table.items()}
    assert {name: services[name]["command"] for name in table} == commands


def test_each_service_is_told_every_setting_but_secrets_only_as_far_as_it_needs_them(
    services: dict[str, Any], table: dict[str, processes.Process], environment: Environment
) -> None:
    of_the_image = {"DJANGO_SETTINGS_MODULE", "PYTHONUNBUFFERED"}
    common = {**processes.common(environment, {}), "JOBSITE_SECRET_KEY": "confidential"}
    for name, process in table.items():
        told = set(process.told(common)) - of_the_image
        assert told <= set(services[name]["environment"])
        assert set(services[name]["environment"]) & processes.CONFIDENTIAL == process.needs
    assert [name for name in services if "FLOWER_BASIC_AUTH" in services[name].get("environment", {})] == [
        "flower"
    ]
    assert all(f"{name}=" in (ROOT / "Dockerfile").read_text() for name in of_the_image)


def test_the_databases_password_may_hold_any_character(services: dict[str, Any]) -> None:
    for service in (services["web"], services["setup"]):
        told = service["environment"]
        assert told["DATABASE_URL"] == told["LISTEN_DATABASE_URL"] == "postgresql://jobsite@postgres/jobsite"
        assert told["PGPASSWORD"] == services["postgres"]["environment"]["POSTGRES_PASSWORD"]


def test_each_service_is_checked_as_the_table_says(
    services: dict[str, Any], table: dict[str, processes.Process]
) -> None:
    assert set(CHECKS) == set(table)
    checks = {name: ["CMD", *process.health] for name, process in table.items()}
    assert {name: services[name]["healthcheck"]["test"] for name in table} == checks


def test_each_container_reaps_keeps_its_data_and_is_nobody_special(services: dict[str, Any]) -> None:
    for name in set(services) - {"postgres", "broker"}:
        assert services[name]["init"] is True
        assert services[name]["volumes"] == ["data:/var/lib/jobsite"]
    assert re.search(r"^USER jobsite$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)


def test_the_login_link_leads_to_a_port_that_is_published(
    services: dict[str, Any], environment: Environment
) -> None:
    door = processes.door_url(Environment.read(services["setup"]["environment"]))
    for name, port in (("web", environment.port), ("flower", environment.flower_port)):
        assert services[name]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert door == f"http://127.0.0.1:{environment.port}"


def test_nothing_is_published_but_the_web_and_flower_on_loopback(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(published) == {"web", "flower"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_the_broker_keeps_what_it_accepted_as_the_embedded_one_does(services: dict[str, Any]) -> None:
    command = " ".join(services["broker"]["command"])
    for option in ("--appendonly yes", "--appendfsync everysec", "--maxmemory-policy noeviction"):
        assert option in command


def test_the_example_names_every_setting_and_no_other() -> None:
    example = (ROOT / ".env.example").read_text()
    source = "".join((ROOT / "jobsite" / name).read_text() for name in ("environment.py", "sandbox.py"))
    read = set(re.findall(r'"(JOBSITE_[A-Z_]+|[A-Z_]+_URL)"', source))
    assert set(re.findall(r"^([A-Z_]+)=$", example, re.MULTILINE)) == read | ONLY_FOR_COMPOSE
