"""`python -m jobsite.run.setup`: tables, the operator's account and a login link.

For who starts the processes by other means than `make run`. It can be run again at any time.
"""

import os
import sys

from jobsite.environment import Environment, OddSetting
from jobsite.run import ground, prepare
from jobsite.run.refusal import RefusalError


def main() -> int:
    """The exit code: 1 with a sentence when something is in the way."""
    try:
        environment = Environment.read(os.environ)
        ground.make_directories(environment.var)
        if "JOBSITE_SECRET_KEY" not in os.environ:
            prepare.kept_secret(environment.var / "secret-key")
        prepare.set_up_django()
        prepare.migrate()
        link = prepare.open_the_door(environment)
    except (OddSetting, RefusalError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The data directory cannot be prepared: {error}", file=sys.stderr)
        return 1
    print(f"Open: {link}  (works once, within 15 minutes)")
    print(f"Operator: {prepare.OPERATOR}, password in {environment.var / 'admin-password'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
