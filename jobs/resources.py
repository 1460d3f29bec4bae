"""placeholder"""

import re
from dataclasses import dataclass


def parse_memory(text: "str | int") -> int:
    m = re.fullmatch(r"(\d+)([MG]?)", str(text).strip())
    if not m:
        raise ValueError(text)
    return int(m[1]) * (1024 if m[2] == "G" else 1)


@dataclass(frozen=True)
class Capacity:
    cpus: int
    memory_mb: int
    gpus: int

    def fits_in(self, other: "Capacity") -> bool:
        return self.cpus <= other.cpus and self.memory_mb <= other.memory_mb and self.gpus <= other.gpus
