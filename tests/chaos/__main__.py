"""`python -m tests.chaos --jobs 300 --faults 30 --seed 1 [--mode safety]`: one round; `make chaos` calls it.

The exit code is 1 when anything is not zero that must be. The schedule of faults is that of the seed; whom
each meets depends on who lives at that moment.
"""

import argparse
import os
import resource
import secrets
import shutil
import signal
import sys
import tempfile
from pathlib import Path


def main() -> int:
    """The exit code."""
    asked = _arguments()
    _raise_limits()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # what was started is ended then, too
    directory = Path(tempfile.mkdtemp(prefix="jc-"))
    code = 1
    try:
        code = _play(asked, directory)
    finally:
        if asked.keep or code:
            sys.stderr.write(f"kept: {directory}\n")
        else:
            shutil.rmtree(directory)
    return code


def _play(asked: argparse.Namespace, directory: Path) -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "jobsite.settings"
    import django  # noqa: PLC0415 - not before its settings are named

    django.setup()
    from recovery.invariants.rows import ROW_INVARIANTS  # noqa: PLC0415
    from tests.chaos import oracle, report, sabotage  # noqa: PLC0415
    from tests.chaos.round import Round  # noqa: PLC0415
    from tests.chaos.schedule import draw  # noqa: PLC0415
    from tests.chaos.world import World  # noqa: PLC0415

    schedule = draw(asked.seed, asked.jobs, asked.faults, liveness=asked.mode == "liveness")
    sys.stdout.write(f"seed={asked.seed}: {schedule.length:.0f} s of {asked.mode}, in {directory}\n")
    last_act = {"last_act": sabotage.do} if asked.sabotage else {}
    with World(directory) as world:
        going = Round(world, schedule, ROW_INVARIANTS, pace=asked.pace, **last_act)
        record = going.play(lambda words: sys.stdout.write(f"{words}\n"))
        found = oracle.judge(record)
        for name, what in going.meanwhile.items():
            found[name] += [f"while faults lasted: {one}" for one in what if one not in found[name]]
        report.tell(asked, going, record, found)
    if asked.sabotage:
        sys.stdout.write(f"overlooked: {sabotage.overlooked(found) or 'nothing'}\n")
        return int(bool(sabotage.overlooked(found)))
    return int(any(found.values()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--faults", type=int, default=30)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--mode", choices=("liveness", "safety"), default="liveness")
    parser.add_argument(
        "--pace", type=float, default=1.0, help="stretch the schedule by this, for a machine with other work"
    )
    parser.add_argument(
        "--sabotage", action="store_true", help="spoil the round at its end: does the oracle see all of it?"
    )
    parser.add_argument("--keep", action="store_true", help="keep the round's directory in any case")
    return parser.parse_args()


def _raise_limits() -> None:
    """Each connection through a proxy is two descriptors and two threads."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65536), most))


if __name__ == "__main__":
    sys.exit(main())
