"""The peer: a bare Celery queue that runs the same script and forgets about it."""

import os
import subprocess

from celery import Celery

app = Celery("bare", broker=os.environ["BARE_BROKER"])
app.conf.update(
    task_ignore_result=True,
    worker_pool="threads",
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)


@app.task(name="run")
def run(script: str) -> None:
    """Run one script to its end."""
    subprocess.run([script], check=False, stdin=subprocess.DEVNULL)
