"""`python -m tests.model`: explore everything, or only the configurations and mutants that are named."""

import sys

from tests.model.run import main

sys.exit(main(sys.argv[1:]))
