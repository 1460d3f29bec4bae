"""What a job asks for, checked field by field: the same for the form, the API and the command line."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Final

from jobs import fields, files
from jobs.files import Files
from jobs.raw_request import RawRequest, present
from jobs.resources import (
    MOST_CPUS,
    MOST_GPUS,
    Capacity,
    count,
    describe_duration,
    format_memory,
    parse_time_limit,
)
from jobs.warning_signal import WarningSignal

FIELDS: Final = (
    "script",
    "name",
    "arguments",
    "environment",
    "work_dir",
    "partition",
    "cpus",
    "memory",
    "gpus",
    "time_limit",
    *files.FIELDS,
    "signal",
    "requeue",
    "max_attempts",
    "priority",
    "hold",
)


@dataclass(frozen=True)
class NodeSize:
    """A node's name and all that it has."""

    name: str
    capacity: Capacity


@dataclass(frozen=True)
class PartitionRule:
    """What a partition allows."""

    name: str
    default_time_limit: timedelta
    max_time_limit: timedelta
    nodes: tuple[NodeSize, ...]


@dataclass(frozen=True)
class JobSpec:
    """A request that is in order."""

    script: str
    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    work_dir: str
    partition: str
    cpus: int
    memory_mb: int
    gpus: int
    time_limit: timedelta
    priority: int
    hold: bool
    files: Files = files.NONE
    warning: WarningSignal | None = None
    requeue: bool = False
    max_attempts: int = fields.DEFAULT_ATTEMPTS


def fingerprint(spec: JobSpec) -> str:
    """The same for two requests that mean the same."""
    meaning = asdict(spec) | {"time_limit": spec.time_limit.total_seconds()}
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def parse(
    raw: Mapping[str, object],
    partitions: Sequence[PartitionRule],
    default_partition: str,
    *,
    is_directory: Callable[[str], bool] | None = None,
) -> JobSpec:
    """The request in `raw`, JSON values and form strings alike.

    Raises InvalidSpec with every error at its field. A path of the work directory is looked up here, unless
    `is_directory` looks elsewhere.
    """
    form = RawRequest(raw, FIELDS)
    looks = is_directory or os.path.isdir
    rule = form.take("partition", lambda value: _partition(value, partitions, default_partition))
    limit = form.take("time_limit", lambda value: _time_limit(value, rule))
    script = form.take("script", fields.read_script)
    cpus = form.take("cpus", lambda value: fields.read_whole("CPUs", value, 1, 1, MOST_CPUS))
    memory = form.take("memory", fields.read_memory)
    gpus = form.take("gpus", lambda value: fields.read_whole("GPUs", value, 0, 0, MOST_GPUS))
    name = form.take("name", fields.read_name)
    work_dir = form.take("work_dir", lambda value: fields.read_work_dir(value, looks))
    own_files = files.read(form, work_dir, looks)
    arguments = form.take("arguments", fields.read_arguments)
    environment = form.take("environment", fields.read_environment)
    priority = form.take("priority", fields.read_priority)
    hold = form.take("hold", fields.read_truth)
    warning = form.take("signal", lambda value: _warning(value, limit))
    requeue = form.take("requeue", fields.read_truth)
    max_attempts = form.take("max_attempts", fields.read_max_attempts)
    if rule is not None and cpus is not None and memory is not None and gpus is not None:
        form.add(_too_large(Capacity(cpus, memory, gpus), rule))
    form.raise_errors()
    return JobSpec(
        script=present(script),
        name=present(name),
        arguments=present(arguments),
        environment=present(environment),
        work_dir=present(work_dir),
        partition=present(rule).name,
        cpus=present(cpus),
        memory_mb=present(memory),
        gpus=present(gpus),
        time_limit=present(limit),
        priority=present(priority),
        hold=present(hold),
        files=present(own_files),
        warning=warning,
        requeue=present(requeue),
        max_attempts=present(max_attempts),
    )


def _partition(value: object, partitions: Sequence[PartitionRule], default: str) -> PartitionRule:
    name = default if value is None or value == "" else value
    for rule in partitions:
        if rule.name == name:
            return rule
    known = ", ".join(sorted(rule.name for rule in partitions)) or "none yet"
    raise ValueError(f"There is no partition {str(name)[:64]!r}. There are: {known}.")


def _time_limit(value: object, rule: PartitionRule | None) -> timedelta:
    if value is None or value == "":
        return rule.default_time_limit if rule else timedelta(hours=1)
    if not isinstance(value, str | int | float):
        raise ValueError("The time limit must be a number of minutes or a text such as 2h.")
    limit = parse_time_limit(value)
    if rule is not None and limit > rule.max_time_limit:
        raise ValueError(
            f"The time limit {describe_duration(limit)} is above the maximum of partition {rule.name}, "
            f"{describe_duration(rule.max_time_limit)}. Ask for less."
        )
    return limit


def _warning(value: object, limit: timedelta | None) -> WarningSignal | None:
    warning = fields.read_signal(value)
    if warning and limit is not None:
        warning.check_before(limit)
    return warning


def _too_large(asked: Capacity, rule: PartitionRule) -> dict[str, str]:
    """What no single node of the partition can give. Without a node yet, nothing can be said."""
    sizes = [node.capacity for node in rule.nodes]
    if not sizes or any(asked.fits_in(size) for size in sizes):
        return {}
    errors = {}
    for field, amount in (("cpus", asked.cpus), ("memory", asked.memory_mb), ("gpus", asked.gpus)):
        largest = max(rule.nodes, key=lambda node: _amount(node.capacity, field))
        most = _amount(largest.capacity, field)
        if amount > most:
            has = f"the largest node of partition {rule.name} ({largest.name}) has {_said(field, most)}"
            do = (
                f"Ask for at most {_said(field, most)}."
                if most
                else "Ask for none, or for another partition."
            )
            errors[field] = f"This job asks for {_said(field, amount)}, but {has}. {do}"
    if not errors:
        errors["cpus"] = f"No single node of partition {rule.name} has {asked} together. Ask for less of one."
    return errors


def _said(field: str, amount: int) -> str:
    """An amount in words: 1 CPU, 4 GiB of memory, no GPU."""
    if field == "memory":
        return f"{format_memory(amount)} of memory"
    noun = {"cpus": "CPU", "gpus": "GPU"}[field]
    return count(amount, noun) if amount else f"no {noun}"


def _amount(capacity: Capacity, field: str) -> int:
    return {"cpus": capacity.cpus, "memory": capacity.memory_mb, "gpus": capacity.gpus}[field]
