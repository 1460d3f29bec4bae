"""The invariants, and those that no mutant can break where the tests run, with the reason."""

import re

from tests.session import ROOT

OUT_OF_REACH: dict[str, str] = {
    "I10 (numbers)": (
        "no code of the product chooses a number: PostgreSQL does, and only a hand or a backup put back"
        " beside newer rows breaks it; what guards against that is in test_agent.py (F32)"
    ),
    "I14": (
        "the database refuses such a row, whatever the code does (job_completed_has_evidence), and a test of"
        " test_row_invariants.py shows that"
    ),
}


def names_of_invariants() -> list[str]:
    """As `verify_invariants` names them, read without the settings that importing them needs."""
    rows = (ROOT / "recovery" / "invariants" / "rows.py").read_text()
    beyond = (ROOT / "recovery" / "invariants" / "check.py").read_text()
    return re.findall(r'^    "((?:I|L)\d[^"]*)": \(', rows + beyond, re.MULTILINE)
