"""`make bench`: each benchmark beside its peer, in the same run; `make bench BENCH=launch` runs one."""

import sys

from benchmarks import launch, memory, throughput

ALL = {"launch": launch.main, "memory": memory.main, "throughput": throughput.main}


def main() -> None:
    """Run the one that is named, with its options; or each of them."""
    named = sys.argv[1:2]
    if named and named[0] not in ALL:
        raise SystemExit(f"There is no benchmark {named[0]!r}. There are: {', '.join(ALL)}.")
    for name in named or ALL:
        print(f"== {name}", flush=True)
        ALL[name](sys.argv[2:])


if __name__ == "__main__":
    main()
