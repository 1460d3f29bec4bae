"""placeholder"""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True)
class JobSpec:
    script: str
    name: str = "job"
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    work_dir: str = ""
    partition: str = "default"
    cpus: int = 1
    memory_mb: int = 64
    gpus: int = 0
    time_limit: timedelta = timedelta(hours=1)
    priority: int = 0
    hold: bool = False


def fingerprint(spec: JobSpec) -> str:
    return hashlib.sha256(repr(spec).encode()).hexdigest()
