"""What a job sees: built from an allow-list, so that nothing of the worker's leaks in."""

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from jobs.variables import is_refused

CLUSTER: Final = "jobsite"
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, kw_only=True)
class JobFacts:
    """What of a job its own environment tells it."""

    job_id: int
    attempt: int
    token: str
    name: str
    user: str
    partition: str
    node: str
    cpus: int
    memory_mb: int
    gpus: tuple[int, ...]
    started_at: datetime
    time_limit: timedelta
    restarts: int
    work_dir: Path
    scratch: Path


def build(facts: JobFacts, own: Mapping[str, str]) -> dict[str, str]:
    """A job's whole environment: the system's, the user's own as far as allowed, then ours (sbatch(1))."""
    person = pwd.getpwuid(os.geteuid())
    return {
        "PATH": PATH,
        "HOME": person.pw_dir,
        "USER": person.pw_name,
        "LOGNAME": person.pw_name,
        "SHELL": person.pw_shell or "/bin/sh",
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "TZ": os.environ.get("TZ", ""),
        "OMP_NUM_THREADS": str(facts.cpus),
        **_allowed(own),
        "TMPDIR": str(facts.scratch),
        **_devices(facts.gpus),
        "JOBSITE_TOKEN": facts.token,
        "JOBSITE_JOB_ID": str(facts.job_id),
        "JOBSITE_ATTEMPT": str(facts.attempt),
        **_as_slurm_tells(facts),
    }


def _as_slurm_tells(facts: JobFacts) -> dict[str, str]:
    """What sbatch(1) lists under "output environment variables", as far as it is about one node.

    SLURM_TASK_PID is only known to the process itself, which adds it. Nothing is made up: a job has no
    account and no QOS here, and its row does not tell from which machine it came, which for the web and the
    API may be any. So SLURM_JOB_ACCOUNT, SLURM_JOB_QOS and SLURM_SUBMIT_HOST are left out.
    """
    began = int(facts.started_at.timestamp())
    return {
        **dict.fromkeys(("SLURM_JOB_ID", "SLURM_JOBID"), str(facts.job_id)),
        "SLURM_JOB_NAME": facts.name,
        "SLURM_JOB_USER": facts.user,
        "SLURM_JOB_UID": str(os.geteuid()),
        "SLURM_JOB_PARTITION": facts.partition,
        "SLURM_CLUSTER_NAME": CLUSTER,
        **dict.fromkeys(("SLURM_JOB_NODELIST", "SLURM_NODELIST", "SLURMD_NODENAME"), facts.node),
        **dict.fromkeys(("SLURM_JOB_NUM_NODES", "SLURM_NNODES", "SLURM_TASKS_PER_NODE"), "1"),
        **dict.fromkeys(("SLURM_NTASKS", "SLURM_NPROCS"), "1"),
        **dict.fromkeys(("SLURM_NODEID", "SLURM_PROCID", "SLURM_LOCALID"), "0"),
        **dict.fromkeys(
            ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE", "SLURM_JOB_CPUS_PER_NODE"), str(facts.cpus)
        ),
        "SLURM_MEM_PER_NODE": str(facts.memory_mb),
        "SLURM_SUBMIT_DIR": str(facts.work_dir),
        "SLURM_JOB_START_TIME": str(began),
        "SLURM_JOB_END_TIME": str(began + int(facts.time_limit.total_seconds())),
        **({"SLURM_RESTART_COUNT": str(facts.restarts)} if facts.restarts else {}),
        **({"SLURM_JOB_GPUS": _list(facts.gpus)} if facts.gpus else {}),
        **({"SLURM_GPUS_ON_NODE": str(len(facts.gpus))} if facts.gpus else {}),
    }


def _devices(gpus: tuple[int, ...]) -> dict[str, str]:
    """The GPUs that it was given, for every kind of driver; an empty list hides them all."""
    hidden_but = dict.fromkeys(("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"), _list(gpus))
    return {**hidden_but, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


def _list(numbers: tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))


def _allowed(own: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in own.items() if not is_refused(name)}
