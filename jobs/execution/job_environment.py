"""What a job sees: built from an allow-list, so that nothing of the worker's leaks in."""

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.variables import is_refused

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
    work_dir: Path
    scratch: Path


def build(facts: JobFacts, own: Mapping[str, str]) -> dict[str, str]:
    """A job's whole environment: the system's, the user's own as far as allowed, then ours (sbatch(1))."""
    person = pwd.getpwuid(os.geteuid())
    gpus = ",".join(map(str, facts.gpus))
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
        "CUDA_VISIBLE_DEVICES": gpus,
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "JOBSITE_TOKEN": facts.token,
        "JOBSITE_JOB_ID": str(facts.job_id),
        "JOBSITE_ATTEMPT": str(facts.attempt),
        "SLURM_JOB_ID": str(facts.job_id),
        "SLURM_JOBID": str(facts.job_id),
        "SLURM_JOB_NAME": facts.name,
        "SLURM_JOB_USER": facts.user,
        "SLURM_JOB_PARTITION": facts.partition,
        "SLURM_JOB_NODELIST": facts.node,
        "SLURM_NODELIST": facts.node,
        "SLURMD_NODENAME": facts.node,
        "SLURM_JOB_NUM_NODES": "1",
        "SLURM_NNODES": "1",
        "SLURM_NODEID": "0",
        "SLURM_NTASKS": "1",
        "SLURM_NPROCS": "1",
        "SLURM_PROCID": "0",
        "SLURM_LOCALID": "0",
        "SLURM_CPUS_PER_TASK": str(facts.cpus),
        "SLURM_CPUS_ON_NODE": str(facts.cpus),
        "SLURM_JOB_CPUS_PER_NODE": str(facts.cpus),
        "SLURM_MEM_PER_NODE": str(facts.memory_mb),
        "SLURM_SUBMIT_DIR": str(facts.work_dir),
        **({"SLURM_JOB_GPUS": gpus, "SLURM_GPUS_ON_NODE": str(len(facts.gpus))} if facts.gpus else {}),
    }


def _allowed(own: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in own.items() if not is_refused(name)}
