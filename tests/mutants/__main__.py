"""`python -m tests.mutants [--at-once N] [NAME ...]`"""

import argparse
import signal
import sys

from tests.mutants.run import main


def _stop(*_: object) -> None:
    sys.exit("stopped")


signal.signal(signal.SIGTERM, _stop)  # what it has started is to end with it
parser = argparse.ArgumentParser(prog="python -m tests.mutants")
parser.add_argument("names", nargs="*")
parser.add_argument("--at-once", type=int, default=2, help="how many are tested at the same time")
parser.add_argument("--trust", action="store_true", help="the tests have just passed on the product as it is")
chosen = parser.parse_args()
sys.exit(main(chosen.names, chosen.at_once, trusted=chosen.trust))
