"""A wrapper whose worker was killed while it was being launched: nobody hears its answer."""

import os
import subprocess
import sys
from pathlib import Path

from jobs.execution import procfs
from jobs.execution.spool import AttemptDirectory, Request, Spool
from tests.jobs.execution import running


def order(tmp_path: Path, script: str) -> AttemptDirectory:
    """A directory that is ready for its wrapper."""
    directory = Spool.open(tmp_path / "spool").attempt(7, 1)
    assert directory.make()
    request = Request(
        job_id=7,
        attempt=1,
        token=directory.token,
        arguments=[],
        environment={"PATH": os.defpath, procfs.MARKER: directory.token},
        work_dir=str(tmp_path),
        time_limit_seconds=60,
        grace_seconds=1,
    )
    directory.write_request(request, script.encode())
    return directory


def test_it_supervises_its_job_to_the_end_all_the_same(tmp_path: Path) -> None:
    directory = order(tmp_path, "#!/bin/sh\nexit 3\n")
    heard, answer = os.pipe()
    os.close(heard)
    wrapper = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", running.EXECD, str(directory.path)],
        stdout=answer,
        env={"PATH": os.defpath, procfs.MARKER: directory.token},
        start_new_session=True,
    )
    os.close(answer)
    assert wrapper.wait(30) == 0
    outcome = directory.outcome()
    assert outcome is not None
    assert outcome.exit_code == 3
