"""Where the platform is found."""

import pytest

from jobsite.environment import Environment
from jobsite.run import processes


@pytest.mark.parametrize(
    ("origins", "door"),
    [
        ("", "http://127.0.0.1:8100"),
        ("https://*.example.org, https://jobs.example.org:8443", "https://jobs.example.org:8443"),
        ("https://jobs.example.org, http://jobs.example.org", "http://127.0.0.1:8100"),
        ("https://*.example.org", "http://127.0.0.1:8100"),
    ],
)
def test_a_person_logs_in_where_the_browser_gets_the_cookies(origins: str, door: str) -> None:
    given = {"JOBSITE_TRUSTED_ORIGINS": origins, "JOBSITE_PORT": "8100", "JOBSITE_VAR": "/tmp/none"}
    environment = Environment.read(given)
    assert processes.door_url(environment) == door
    assert processes.web_url(environment) == "http://127.0.0.1:8100"
