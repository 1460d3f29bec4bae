"""A real platform under a steady rain of jobs: does anything grow with what has run?

After the warm-up a straight line is put through each measure. It grows when its slope, less two standard
errors, is above what is tolerated: 1 MiB an hour of memory, 1 an hour of anything that is counted. The
shared memory of PostgreSQL fills once, up to its setting: of its memory, what is its own counts. Flower keeps
the last 10,000 tasks: it is given as many first, or its memory would rise for as long as that takes. A
machine that is too busy for the rate is given no backlog instead: the rain waits, and the table says so.
"""

import argparse
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from celery import Celery

from benchmarks import machine, results, slope
from benchmarks.census import Census, Look
from benchmarks.ends import Ends
from tests.acceptance import promise
from tests.acceptance.witness import Witness
from tests.client import Client
from tests.eventually import eventually
from tests.platform import Platform

EVERY = 5.0
"""Seconds between two looks."""
MOST_LIVE = 100
"""With so many jobs that have not ended the rain waits: a backlog is another benchmark's matter."""
FLOWERS_WINDOW = 10_000
TOLERATED = 1.0
"""MiB or things per hour."""
SHOWN = ("PSS MB", "own MB", "descriptors", "live", "connections", "keys", "directories", "retention")
"""What of the table is shown where there is room for little: the ends of its names."""
MAY_GROW = {"jobs live", "postgres RSS MB", "postgres PSS MB", "spool directories", "scratch directories"}
"""Shown and not judged: load, PostgreSQL's shared pages, and what retention keeps on purpose."""


def main(arguments: list[str]) -> None:
    """Run it, print the table, and fail when anything grows or any job did not end as it must."""
    options = _options(arguments)
    print(machine.line(), flush=True)
    with tempfile.TemporaryDirectory(prefix="js-", dir=options.directory) as directory:
        settings = {"JOBSITE_CPUS": str(options.cpus), "JOBSITE_MEMORY": "8G", "JOBSITE_TIME_SCALE": "1"}
        platform = Platform(Path(directory) / "var", **settings)
        platform.patience = 600.0
        with platform:
            _fill_flower(platform)
            witness = Witness(Path(directory) / "witness")
            with Census(platform, options.retention) as census:
                looks = _rain(options, platform, witness, census)
                replaced = census.replaced()
            ends = Ends.of(platform, witness)
            violations = promise.verify(platform.environment)
    rows = _judge(looks, options)
    _print(rows)
    print(ends)
    print(violations.strip().splitlines()[-1], "· processes replaced:", ", ".join(replaced) or "none")
    growing = [row["name"] for row in rows if row["grows"]]
    achieved = ends.jobs / (60 * options.minutes)
    print(f"{achieved:.2f} of {options.rate:g} jobs/s asked for, over {options.minutes:g} min")
    told = {"minutes": options.minutes, "rate": options.rate, "achieved_rate": round(achieved, 2)}
    told["warm_up_minutes"] = _warm_up(options)
    verdict = {"growing": growing, "replaced": replaced, "violations": violations.strip().splitlines()[-1]}
    line = (
        f"soak: {achieved:.2f} of {options.rate:g} jobs/s for {options.minutes:g} min; {ends};"
        f" {verdict['violations']}; growing: {', '.join(growing) or 'nothing'}"
    )
    lines = [*line.splitlines(), *(_row(row) for row in rows if row["name"].endswith(SHOWN))]
    results.keep("soak", {**told, **verdict, **ends.figures(), "lines": lines, "measures": rows})
    if growing or replaced or not ends.clean or not violations.strip().endswith(promise.KEPT):
        raise SystemExit(f"Not clean. Growing: {', '.join(growing) or 'nothing'}.")


def _rain(options: argparse.Namespace, platform: Platform, witness: Witness, census: Census) -> list[Look]:
    """The jobs, at their pace, and a look now and then; then the end of every job."""
    client, script = Client(platform.url, platform.cli_token), witness.script()
    begun = time.monotonic()
    looks: list[Look] = []
    stop = threading.Event()
    watching = threading.Thread(target=_watch, args=[census, looks, stop, begun], daemon=True)
    watching.start()
    number = 0
    gone = SystemExit("A process of the platform has gone, and with it what is measured. See its logs.")
    while time.monotonic() < begun + 60 * options.minutes:
        due = begun + number / options.rate
        stop.wait(max(0.0, due - time.monotonic()))
        while looks and looks[-1]["jobs", "live"] > MOST_LIVE:
            stop.wait(1.0)
            if not watching.is_alive():
                raise gone
        client.submit(script)
        number += 1
        if number % int(60 * options.rate) == 0:
            live = f"{looks[-1]['jobs', 'live']:g} live" if looks else "not looked at yet"
            print(f"{(time.monotonic() - begun) / 60:.1f} min: {number} jobs, {live}", flush=True)
    if not watching.is_alive():
        raise gone
    stop.set()
    watching.join()
    eventually(lambda: census.look()["jobs", "live"] == 0, within=600, every=1, what="the end of all jobs")
    return looks


def _watch(census: Census, looks: list[Look], stop: threading.Event, begun: float) -> None:
    """Until it is stopped, or a process that is measured has gone: then no figure has a meaning."""
    with suppress(OSError):
        while not stop.wait(EVERY):
            looks.append({**census.look(), ("time", "hours"): (time.monotonic() - begun) / 3600})


def _fill_flower(platform: Platform) -> None:
    """As many tasks as Flower keeps, of nobody, so that each real one takes the place of another."""
    app = Celery(broker=f"redis+socket://{platform.var / 'run' / 'broker.sock'}")
    with app.connection_for_write() as connection, app.events.Dispatcher(connection) as events:
        events.hostname = "soak@nowhere"
        for number in range(FLOWERS_WINDOW):
            task = f"job_{-number}"
            told = {"uuid": task, "name": "jobs.tasks.execute", "args": f"[{number}, 1]", "kwargs": "{}"}
            events.send("task-received", **told, root_id=task, parent_id=None, retries=0)
            events.send("task-started", uuid=task)
            events.send("task-succeeded", uuid=task, runtime=number / 7, result="None")


def _judge(looks: list[Look], options: argparse.Namespace) -> list[dict[str, object]]:
    """One row for each measure, of what came after the warm-up."""
    kept = [look for look in looks if look["time", "hours"] * 60 >= _warm_up(options)]
    hours = [look["time", "hours"] for look in kept]
    rows = []
    for key in kept[0]:
        if key == ("time", "hours"):
            continue
        name = " ".join(key)
        line = slope.fit(hours, [look[key] for look in kept])
        rows.append({
            "name": name, "first": line.first, "last": line.last, "per_hour": line.per_hour,
            "error": line.error, "judged": name not in MAY_GROW,
            "grows": name not in MAY_GROW and line.grows(TOLERATED),
        })  # fmt: skip
    return rows


def _print(rows: list[dict[str, object]]) -> None:
    print(f"{'':<28}{'first':>9}{'last':>9}{'per hour':>11}{'± 2 se':>9}")
    for row in rows:
        print(_row(row))


def _row(row: dict[str, object]) -> str:
    verdict = ("GROWS" if row["grows"] else "") if row["judged"] else "not judged"
    numbers = f"{row['first']:9.1f}{row['last']:9.1f}{row['per_hour']:+11.2f}{2 * row['error']:9.2f}"
    return f"{row['name']:<28}{numbers}  {verdict}".rstrip()


def _warm_up(options: argparse.Namespace) -> float:
    return options.minutes / 3 if options.warm_up is None else options.warm_up


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=5, help="jobs per second")
    parser.add_argument("--warm-up", type=float, help="minutes that do not count; a third of all by default")
    parser.add_argument("--cpus", type=int, default=4, help="of the platform's node")
    parser.add_argument(
        "--retention", type=float, default=14 * 86400, help="seconds a spool directory is kept"
    )
    parser.add_argument("--directory", help="where the platform keeps its data")
    return parser.parse_args(arguments)
