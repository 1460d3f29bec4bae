"""Worker and broker killed and started again, as pytest-celery sees them, its containers being processes."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from celery import Celery
from django.conf import settings
from django.db import transaction
from pytest_celery import (
    CeleryBrokerCluster,
    CeleryTestBroker,
    CeleryTestSetup,
    CeleryTestWorker,
    CeleryWorkerCluster,
)

from jobs import lifecycle
from jobs.messages import BrokerUnreachableError
from jobs.models import Job
from jobs.states import Phase, State
from jobsite import celery_app
from jobsite.embedded.broker import Broker
from jobsite.environment import embedded_redis_url
from tests import making
from tests.acceptance import containers, promise
from tests.acceptance.witness import Gate, Witness
from tests.eventually import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def environment(transactional_db: None, tmp_path: Path) -> Mapping[str, str]:
    var = tmp_path / "var"
    return containers.surroundings(var, REDIS_URL=embedded_redis_url(var))


@pytest.fixture
def celery_broker_cluster(environment: Mapping[str, str], tmp_path: Path) -> Iterator[CeleryBrokerCluster]:
    """A broker of our own, to be killed."""
    server = Broker(tmp_path / "var")
    (tmp_path / "var" / "run").mkdir(mode=0o700)
    server.prepare()
    process = containers.broker(server, environment["REDIS_URL"], tmp_path / "broker.log")
    process.ready()
    yield CeleryBrokerCluster(CeleryTestBroker(process))
    process.teardown()
    server.lock.release()


@pytest.fixture
def celery_backend_cluster() -> None:
    """The row is the result."""


@pytest.fixture
def celery_setup_app(celery_setup_config: dict[str, str]) -> Iterator[Celery]:
    """For the test's own messages; the application of before is the current one again at the end."""
    with Celery("setup") as app:
        options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
        app.conf.update(**celery_setup_config, broker_transport_options=options)
        yield app
    celery_app.set_current()


@pytest.fixture
def celery_worker_cluster(
    celery_broker_cluster: CeleryBrokerCluster,
    celery_setup_app: Celery,
    environment: Mapping[str, str],
    tmp_path: Path,
) -> Iterator[CeleryWorkerCluster]:
    """One worker with its node agent, to be killed."""
    process = containers.worker(environment, tmp_path / "worker.log")
    process.ready()
    yield CeleryWorkerCluster(CeleryTestWorker(process, app=celery_setup_app))
    process.teardown()


@pytest.fixture(autouse=True)
def _promise_kept(environment: Mapping[str, str], celery_setup: CeleryTestSetup) -> Iterator[None]:
    """Every invariant holds at the end, and is looked at while the broker is still there to answer."""
    del celery_setup
    yield
    promise.is_kept(environment)


Run = Callable[..., Job]


def is_in(job: Job, *steps: State | Phase) -> bool:
    """The job is in one of these states or phases."""
    job.refresh_from_db()
    return job.state in steps or job.phase in steps


@pytest.fixture
def place(celery_setup: CeleryTestSetup) -> Run:
    """Give a job its place on the node of the worker that runs."""
    assert celery_setup.ready(control=True, docker=True)

    @transaction.atomic
    def give(script: str) -> Job:
        return making.placed(script=script)

    return give


@pytest.fixture
def run(place: Run) -> Run:
    """Have a job placed, told of, and active."""

    def until_active(script: str) -> Job:
        job = place(script)
        assert lifecycle.dispatch(job)
        eventually(lambda: is_in(job, Phase.ACTIVE), within=30)
        return job

    return until_active


def test_a_job_whose_worker_is_killed_ends_with_its_true_exit_code(
    celery_setup: CeleryTestSetup, run: Run, witness: Witness, gate: Gate
) -> None:
    job = run(witness.script(f"{gate.wait}\nexit 42"))
    worker = celery_setup.worker_cluster[0]
    worker.kill()
    gate.open()
    worker.restart()
    eventually(lambda: is_in(job, State.FAILED), within=30)
    assert (job.exit_code, job.attempt) == (42, 1)
    assert witness.saw_each_start_once(job.pk)


def test_a_job_that_runs_while_its_broker_is_killed_is_not_disturbed(
    celery_setup: CeleryTestSetup, run: Run, witness: Witness, gate: Gate
) -> None:
    job = run(witness.script(f"{gate.wait}\nexit 7"))
    worker = celery_setup.worker_cluster[0].container.pid
    celery_setup.broker_cluster[0].kill()
    gate.open()
    eventually(lambda: is_in(job, State.FAILED), within=30)
    celery_setup.broker_cluster[0].restart()
    assert job.exit_code == 7
    assert celery_setup.worker_cluster[0].container.pid == worker
    assert witness.saw_each_start_once(job.pk)


def test_a_job_placed_while_its_broker_is_away_runs_once_it_is_back(
    celery_setup: CeleryTestSetup, place: Run, witness: Witness
) -> None:
    job = place(witness.script())
    broker = celery_setup.broker_cluster[0]
    broker.kill()
    with pytest.raises(BrokerUnreachableError):
        lifecycle.dispatch(job)
    assert is_in(job, Phase.PLACED)
    broker.restart()
    eventually(lambda: is_in(job, State.COMPLETED), within=60)
    assert witness.saw_each_start_once(job.pk)
