"""`make bench`: each benchmark beside its peer, in the same run; `make bench BENCH=launch` runs one."""

import signal
import sys

from benchmarks import backlog, launch, memory, soak, throughput

PEERS = {"launch": launch.main, "memory": memory.main, "throughput": throughput.main}
ALL = {**PEERS, "backlog": backlog.main, "soak": soak.main}
"""Those that take long, or have no peer, run only when they are named."""


def main() -> None:
    """Run the one that is named, with its options; or each of them."""
    named = sys.argv[1:2]
    if named and named[0] not in ALL:
        raise SystemExit(f"There is no benchmark {named[0]!r}. There are: {', '.join(ALL)}.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped before the end."))  # and what was started ends
    for name in named or PEERS:
        print(f"== {name}", flush=True)
        ALL[name](sys.argv[2:])


if __name__ == "__main__":
    main()
