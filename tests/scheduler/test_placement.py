"""Who runs where, in two lines per case: what the nodes have left, and what the jobs ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.resources import Capacity
from jobs.states import Reason
from scheduler.placement import Offer, Plan, Request, place


def offers(words: str) -> list[Offer]:
    """`n1=4c/8m/2g n2=2c/4m!deaf`: nodes with CPUs, memory and GPUs; `!deaf` and `!closed` take no jobs."""
    return [_offer(key, word) for key, word in enumerate(words.split(), 1)]


def _offer(key: int, word: str) -> Offer:
    text, _, flaw = word.partition("!")
    name, _, amounts = text.partition("=")
    cpus, memory, gpus = ([int(a[:-1]) for a in amounts.split("/")] + [0])[:3]
    return Offer(
        key=key,
        name=name,
        size=Capacity(cpus, memory, gpus),
        cpus=cpus,
        memory_mb=memory,
        gpus=list(range(gpus)),
        partitions=frozenset({1}),
        closed=f"{name} is drained" if flaw == "closed" else "",
        deaf=flaw == "deaf",
    )


def requests(words: str) -> list[Request]:
    """`2c/1m 4c/8m/1g`: what each job asks for, in order."""
    return [_request(key, word) for key, word in enumerate(words.split(), 1)]


def _request(key: int, word: str) -> Request:
    amounts = [int(a[:-1]) for a in word.split("/")] + [0]
    asked = Capacity(*amounts[:3])
    return Request(key=key, asked=asked, partition=1, partition_name="default")


def told(plan: Plan) -> str:
    """`1@1 2:Resources`: jobs with the key of their node, then those that wait with their reason."""
    places = [f"{at.job}@{at.node}" for at in plan.places]
    return " ".join(places + [f"{wait.job}:{wait.reason}" for wait in plan.waits])


CASES = [
    ("n1=2c/4m", "1c/1m", "1@1"),
    ("n1=2c/4m", "1c/1m 1c/1m 1c/1m", "1@1 2@1 3:Priority"),
    ("n1=2c/4m", "3c/1m", "1:BadConstraints"),
    ("n1=2c/4m n2=4c/4m", "3c/1m", "1@2"),
    ("n1=4c/4m n2=2c/4m", "2c/1m 4c/1m", "1@2 2@1"),
    ("n1=2c/4m", "1c/4m 1c/1m", "1@1 2:Priority"),
    ("n1=2c/4m!deaf", "1c/1m", "1:BrokerDown"),
    ("n1=2c/4m!closed", "1c/1m", "1:ReqNodeNotAvail"),
    ("n1=2c/4m!closed n2=1c/4m", "2c/1m", "1:ReqNodeNotAvail"),
    ("", "1c/1m", "1:ReqNodeNotAvail"),
    ("n1=2c/4m/2g n2=2c/4m", "1c/1m 1c/1m/2g", "1@2 2@1"),
    ("n1=2c/4m/1g", "1c/1m/2g", "1:BadConstraints"),
    ("n1=8c/8m/2g", "1c/1m/1g 1c/1m/1g 1c/1m/1g", "1@1 2@1 3:Priority"),
]


@pytest.mark.parametrize(("nodes", "jobs", "answer"), CASES)
def test_each_job_gets_the_node_or_the_reason_that_is_right(nodes: str, jobs: str, answer: str) -> None:
    assert told(place(requests(jobs), offers(nodes))) == answer


def test_a_job_that_finds_no_room_at_all_waits_for_resources_and_is_told_how_much_there_is() -> None:
    nodes = offers("n1=4c/4096m")
    nodes[0].cpus = 1
    wait = place(requests("2c/1024m"), nodes).waits[0]
    assert wait.reason is Reason.RESOURCES
    assert wait.sentence == "It needs 2 CPUs, 1 GiB; n1 has 1 CPU, 4 GiB free."


def test_two_jobs_never_get_the_same_gpu() -> None:
    plan = place(requests("1c/1m/1g 1c/1m/2g"), offers("n1=8c/8m/3g"))
    assert [at.gpus for at in plan.places] == [(0,), (1, 2)]


def test_five_hundred_that_do_not_fit_do_not_stop_the_one_that_does() -> None:
    plan = place(requests("9c/1m " * 500 + "1c/1m"), offers("n1=8c/8m"))
    assert [at.job for at in plan.places] == [501]


AMOUNTS = st.tuples(st.integers(1, 8), st.integers(1, 16), st.integers(0, 3))


@given(sizes=st.lists(AMOUNTS, max_size=4), asked=st.lists(AMOUNTS, max_size=12))
def test_no_node_ever_gives_more_than_it_has(
    sizes: list[tuple[int, int, int]], asked: list[tuple[int, int, int]]
) -> None:
    nodes = offers(" ".join(f"n{n}={c}c/{m}m/{g}g" for n, (c, m, g) in enumerate(sizes)))
    plan = place(requests(" ".join(f"{c}c/{m}m/{g}g" for c, m, g in asked)), nodes)
    assert all(offer.cpus >= 0 and offer.memory_mb >= 0 for offer in nodes)
    given_gpus = [(at.node, index) for at in plan.places for index in at.gpus]
    assert len(given_gpus) == len(set(given_gpus))
    assert len(plan.places) + len(plan.waits) == len(asked)
