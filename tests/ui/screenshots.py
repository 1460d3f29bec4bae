"""Pictures of every page, at 390 and 1440 px, light and dark: `make screenshots`, into test-results/.

With --docs also the picture of the README. Look at them after each change of a page.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.client import Client
from tests.platform import Platform
from tests.session import ROOT
from tests.ui.chromium import chromium

RESULTS = ROOT / "test-results"
README_PICTURE = ROOT / "docs" / "jobs-1440-light.png"
WIDTHS = {390: 844, 1440: 900}
THEMES = ("light", "dark")

TRAIN = r"""#!/bin/bash
set -euo pipefail
for epoch in $(seq 1 400); do
  printf '\033[36mepoch %3d\033[0m  loss %d.%03d\n' "$epoch" $((3 - epoch / 150)) $((RANDOM % 1000))
  sleep 0.2
done
"""
FAIL = """#!/usr/bin/env python3
import csv
print("reading the samples")
with open("data/smaples.csv") as file:
    print(sum(1 for _ in csv.reader(file)))
"""
LOUD = 'for i in $(seq 1 6000); do echo "line $i of many, so that earlier output is not shown"; done'


def make_jobs(client: Client) -> dict[str, int]:
    """A job in each state, with something to see."""
    jobs = {
        "completed": client.submit("echo hello; sleep 1; echo done", name="hello", time_limit="5m"),
        "failed": client.submit(FAIL, name="count-samples", memory="256M"),
        "loud": client.submit(LOUD, name="align-batch-06", memory="2G", time_limit="2h"),
        "limit": client.submit("sleep 60", name="tile-render-alps", memory="512M", time_limit="1s"),
        "unlaunched": client.submit("#!/usr/bin/rubby\nputs 1\n", name="report", memory="128M"),
    }
    client.ended(*jobs.values())
    jobs["running"] = client.submit(TRAIN, name="train-resnet", cpus=2, memory="4G", time_limit="4h")
    jobs["other"] = client.submit("sleep 300", name="features-v3", memory="1G", time_limit="1h")
    jobs["waiting"] = client.submit("sleep 5", name="merge-cohort", cpus=4, memory="6G", time_limit="3h")
    jobs["behind"] = client.submit("sleep 5", name="export-tables", cpus=4, memory="1G", time_limit="30m")
    jobs["held"] = client.submit("sleep 5", name="sweep-lr-3", cpus=2, memory="1G", hold=True)
    jobs["cancelled"] = client.submit("sleep 5", name="qc-report", cpus=4, memory="1G")
    client.cancel(jobs["cancelled"])
    client.until(jobs["running"], "ACTIVE")
    return jobs


def addresses(jobs: dict[str, int]) -> dict[str, str]:
    """Every page by the name of its picture."""
    pages = {f"job-{name}": f"/jobs/{number}/" for name, number in jobs.items()}
    return {
        "jobs": "/jobs/",
        "jobs-failed": "/jobs/?state=failed",
        "jobs-everyone": "/jobs/?show=all",
        "new": "/jobs/new/",
        "new-from": f"/jobs/new/?from={jobs['running']}",
        "account": "/account/",
        "password": "/account/password/",
        "cancel": f"/jobs/{jobs['running']}/cancel/",
        "missing": "/jobs/99999/",
        **pages,
    }


ADMIN = {
    "admin": "",
    "admin-jobs": "jobs/job/",
    "admin-allocations": "jobs/resourceallocation/",
    "admin-events": "jobs/jobevent/",
    "admin-nodes": "jobs/node/",
    "admin-partitions": "jobs/partition/",
    "admin-partition": "jobs/partition/add/",
    "admin-tokens": "jobs/apitoken/",
    "admin-recovery": "recovery/recoveryrun/",
    "admin-actions": "recovery/recoveryaction/",
}
FIRST = {"admin-job": "jobs/job/", "admin-node": "jobs/node/", "admin-run": "recovery/recoveryrun/"}
"""Pictures of the first row of a list."""


def log_in(page: Page, platform: Platform) -> None:
    """By user name and password."""
    page.goto(f"{platform.url}/login/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", platform.admin_password)
    page.click("button[type=submit]")
    page.wait_for_url("**/jobs/")


def take(browser: Browser, platform: Platform, pages: dict[str, str]) -> Iterator[Path]:
    """Every page at every width in both themes."""
    for theme in THEMES:
        for width, height in WIDTHS.items():
            context = browser.new_context(
                base_url=platform.url,
                viewport={"width": width, "height": height},
                color_scheme="light" if theme == "light" else "dark",
            )
            page = context.new_page()

            def shoot(name: str) -> Path:
                file = RESULTS / f"{name}-{width}-{theme}.png"  # noqa: B023 - called before the next round
                page.screenshot(path=file, full_page=True)  # noqa: B023
                return file

            page.goto("/login/")
            yield shoot("login")
            page.fill("#id_username", "admin")
            page.fill("#id_password", "wrong")
            page.click("button[type=submit]")
            yield shoot("login-refused")
            page.goto("/login/?t=nothing")
            yield shoot("login-link")
            log_in(page, platform)
            for name, address in pages.items():
                page.goto(address)
                yield shoot(name)
            for name, address in ADMIN.items():
                page.goto(f"/admin/{address}")
                yield shoot(name)
            for name, address in FIRST.items():
                page.goto(f"/admin/{address}")
                page.click("#result_list tbody th a")
                yield shoot(name)
            page.goto("/jobs/new/")
            page.fill("#id_cpus", "64")
            page.fill("#id_memory", "8 potatoes")
            page.get_by_text("Submit job").click()
            yield shoot("new-refused")
            page.goto("/account/")
            page.fill("#id_name", f"laptop {width} {theme}")
            page.get_by_text("Make a token").click()
            yield shoot("account-token")
            page.goto("/jobs/")
            page.click(".who")
            yield shoot("menu")
            context.close()


def main() -> None:
    """Take them all."""
    RESULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="js-") as directory:
        os.environ["TMPDIR"] = directory
        with Platform(Path(directory) / "var", JOBSITE_TIME_SCALE="1") as platform, chromium() as browser:
            client = Client(platform.url, platform.cli_token)
            context = browser.new_context(base_url=platform.url, viewport={"width": 1440, "height": 900})
            page = context.new_page()
            log_in(page, platform)
            page.screenshot(path=RESULTS / "jobs-empty-1440-light.png")
            jobs = make_jobs(client)
            if "--docs" in sys.argv:
                README_PICTURE.parent.mkdir(exist_ok=True)
                page.goto("/jobs/")
                page.screenshot(path=README_PICTURE)
            context.close()
            for file in take(browser, platform, addresses(jobs)):
                sys.stdout.write(f"{file.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
