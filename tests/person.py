"""A person with a browser that runs no JavaScript: for pages of the real process set."""

import re
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from urllib.parse import urlencode

from tests.client import Answer
from tests.platform import Platform


class Person:
    """The administrator, logged in."""

    def __init__(self, platform: Platform) -> None:
        self._url = platform.url
        proxies, cookies = urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        self._browser = urllib.request.build_opener(proxies, cookies)
        form = self.open("/login/").body.decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
        assert token, form
        typed = {"username": "admin", "password": platform.admin_password, "csrfmiddlewaretoken": token[1]}
        assert self.open("/login/", urlencode(typed).encode()).status == 200

    def open(self, path: str, form: bytes | None = None) -> Answer:
        """One page. A refusal is an answer too."""
        try:
            with self._browser.open(f"{self._url}{path}", form, timeout=30) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as refusal:
            return Answer(refusal.code, refusal.headers, refusal.read())
