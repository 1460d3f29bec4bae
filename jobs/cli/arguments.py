"""What can be written on the command line. sbatch's names, short and long, where sbatch has them."""

import argparse
import re
import sys
from typing import Any, Final, NoReturn

from jobs.cli.drill import DRILL, add_drill_options
from jobs.cli.errors import UNEXPECTED
from jobs.cli.job_options import add_job_options

STATES: Final = "PENDING, RUNNING, COMPLETED, FAILED, CANCELLED"
EPILOG: Final = """\
examples:
  jobsite submit train.sh -c 4 --mem 8G -t 2h
  jobsite run -- make test
  jobsite queue
  jobsite logs -f 12

environment:
  JOBSITE_URL        the server's address; else what `make run` wrote into JOBSITE_VAR/server-url
  JOBSITE_API_TOKEN  your token; else JOBSITE_VAR/cli-token
  JOBSITE_VAR        the platform's data directory; else var/ of the project
  NO_COLOR           no colours

exit codes:
  0 done, 1 refused, 2 wrong usage or an unexpected fault, 3 the server does not answer, 130 Ctrl-C;
  `run` ends with the job's own exit code, or 128 + the signal that ended it
"""
SUBMIT: Final = """\
examples:
  jobsite submit train.sh -c 4 --mem 8G --gpus 1 -t 2h -J train
  jobsite submit sweep.sh -- --seed 7 data.csv
  jobsite submit train.sh -o logs/%x-%j.out --signal B:USR1@120 --requeue
  jobsite submit --wrap 'sort big.txt | uniq -c > counted.txt'
  generate-script | jobsite submit - --parsable

The job runs in the directory in which you are. Of your variables it gets those that you name with --export,
such as --export PATH,SEED=7, or all of them with --export ALL; for a value with a comma, set the variable and
name it only. Names of the platform's own, such as LD_*, PYTHON*, SLURM_* and JOBSITE_*, never reach a job.

In a file's name, %j is the job's number (%4j: four digits), %x its name, %u your user name, %N the node.
"""
RUN: Final = """\
examples:
  jobsite run -- make test
  jobsite run -c 4 --mem 8G -t 2h -- python train.py --epochs 3
  jobsite run -- sh -c 'sort big.txt | uniq -c'
  jobsite run --export PATH -- python train.py

The words after -- arrive as they are. Ctrl-C detaches: the job keeps running.
"""
SHOW: Final = "example:\n  jobsite show 12 --json | jq -r .state\n"
QUEUE: Final = """\
examples:
  jobsite queue
  jobsite queue --all --state FAILED,CANCELLED
  jobsite queue --json | jq -r '.[].id'
"""
LOGS: Final = "examples:\n  jobsite logs 12 > output.txt\n  jobsite logs -f 12\n  jobsite logs --stderr 12\n"
CANCEL: Final = "examples:\n  jobsite cancel 12\n  jobsite cancel 12 13 14\n"

NODES: Final = "examples:\n  jobsite nodes\n  jobsite nodes --json | jq -r '.[].name'\n"
NODE: Final = """\
examples:
  jobsite node drain n1 --reason "new disk on Monday"
  jobsite node resume n1
  jobsite node down n1 --reason "it burns"

drain: no new jobs; those there go on to their ends. down: the same, and those there are declared lost as soon
as the node's agent is silent. resume: takes jobs again, as far as the operators are concerned.
"""

RECOVER: Final = """\
examples:
  jobsite recover --dry-run
  jobsite recover

Each node sweeps by itself too: when it starts, and every few seconds. The admin's ledger has every decision.
"""


class Parser(argparse.ArgumentParser):
    """Errors as everywhere: what is wrong, and what to do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # `-t -1h` is an odd value, about which the API has a sentence, and no option.
        self._negative_number_matcher = re.compile(r"-\d")

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"error: {message}\nhint: see `{self.prog} --help`\n")
        raise SystemExit(UNEXPECTED)


def parser() -> Parser:
    """The whole grammar."""
    top = Parser(
        prog="jobsite",
        description="Submit batch jobs, watch them and end them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _submit(_command(commands, "submit", "submit a script as a job", SUBMIT))
    _run(_command(commands, "run", "run a command as a job, and show its output", RUN))
    _queue(_command(commands, "queue", "list jobs: yours that wait or run", QUEUE))
    _show(_command(commands, "show", "show one job", SHOW))
    _logs(_command(commands, "logs", "print a job's output", LOGS))
    _cancel(_command(commands, "cancel", "end jobs, or take them from the queue", CANCEL))
    _nodes(_command(commands, "nodes", "list the nodes, and why those that take no jobs do not", NODES))
    _node(_command(commands, "node", "drain, resume or take down a node (operators)", NODE))
    add_drill_options(
        _command(commands, "drill", "kill everything in a sandbox: is the promise kept?", DRILL)
    )
    _recover(_command(commands, "recover", "have every node mend what is broken (operators)", RECOVER))
    return top


def _command(commands: "argparse._SubParsersAction[Parser]", name: str, summary: str, epilog: str) -> Parser:
    return commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _submit(command: Parser) -> None:
    command.usage = "jobsite submit [options] (SCRIPT | - | --wrap COMMAND) [-- ARGUMENT ...]"
    command.add_argument(
        "script", metavar="SCRIPT", nargs="?", type=_text, help="a file, or - for standard input"
    )
    command.add_argument("arguments", metavar="ARGUMENT", nargs="*", help="what the script is given")
    command.add_argument("--wrap", metavar="COMMAND", help="a shell command instead of a script")
    command.add_argument("--parsable", action="store_true", help="print the job's number and nothing else")
    add_job_options(command, _text)


def _run(command: Parser) -> None:
    command.usage = "jobsite run [options] -- COMMAND [ARGUMENT ...]"
    add_job_options(command, _text)
    command.add_argument(
        "words", metavar="COMMAND", nargs=argparse.REMAINDER, help="the command and its words"
    )


def _queue(command: Parser) -> None:
    command.add_argument(
        "-a", "--all", action="store_true", help="every job that you may see, ended ones too"
    )
    command.add_argument("--state", metavar="STATE,...", type=_text, help=f"only these: {STATES}")
    command.add_argument(
        "-n", "--limit", metavar="N", type=_number, default=200, help="at most so many, the newest (200)"
    )
    command.add_argument("--json", action="store_true", help="a list of the API's objects")


def _show(command: Parser) -> None:
    command.add_argument("number", metavar="ID", type=_number)
    command.add_argument("--json", action="store_true", help="exactly the API's fields")


def _logs(command: Parser) -> None:
    command.add_argument("number", metavar="ID", type=_number)
    command.add_argument("-f", "--follow", action="store_true", help="go on to the job's end")
    command.add_argument("--stderr", action="store_true", help="the error output, where it has its own file")


def _cancel(command: Parser) -> None:
    command.add_argument("numbers", metavar="ID", nargs="+", type=_number)


def _nodes(command: Parser) -> None:
    command.add_argument("--json", action="store_true", help="a list of the API's objects")


def _node(command: Parser) -> None:
    command.add_argument("verb", metavar="{drain,resume,down}", choices=("drain", "resume", "down"))
    command.add_argument("name", metavar="NODE", type=_text)
    command.add_argument("--reason", metavar="TEXT", type=_text, help="why: needed for drain and down")


def _recover(command: Parser) -> None:
    command.add_argument("--dry-run", action="store_true", help="tell what would be done, and do nothing")


def _text(word: str) -> str:
    """An empty value is a mistake, mostly a variable that is not set, and no wish for the default."""
    if not word.strip():
        raise argparse.ArgumentTypeError("it is empty")
    return word


def _number(word: str) -> int:
    if not (word.isascii() and word.isdecimal() and len(word) < 19 and int(word) > 0):
        raise argparse.ArgumentTypeError(f"{word!r} is not a whole number above 0")
    return int(word)
