"""The same forms sent without a browser.

A story uses them for a state that it takes as given, like somebody's earlier enrollment.
"""

from __future__ import annotations

import html
import re
from typing import Any

import httpx2

from .example import Example
from .person import PASSWORD, App

HOME = "192.0.2.77"


class Pipeline:
    """Somebody signed in from home, whose pages are text."""

    def __init__(self, example: Example, email: str, *, address: str = HOME) -> None:
        self.example = example
        headers = {"X-Forwarded-For": address, "Origin": example.origin, "Accept": "text/html"}
        self._client = httpx2.Client(base_url=example.origin, headers=headers, follow_redirects=True, timeout=20)
        example.clients.append(self._client)
        self.page = ""
        self.post("/login", username=email, password=PASSWORD)

    def get(self, path: str) -> str:
        """The page at ``path``, redirects followed."""
        return self._keep(self._client.get(path))

    def post(self, path: str, **fields: str) -> str:
        """Send a form of the page that was read last; its token goes with it."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.page)
        data = {"csrf_token": token[1], **fields} if token else fields
        return self._keep(self._client.post(path, data=data))

    def enroll_app(self) -> tuple[App, list[str]]:
        """Set up an authenticator app; the app, and the backup codes where this is the first way."""
        self.get("/mfa/enroll/totp")
        self.post("/mfa/enroll/totp", action="start")
        uri = html.unescape(re.findall(r'href="(otpauth://[^"]+)"', self.page)[0])
        app = App.scanned(uri, self.example)
        self.post("/mfa/enroll/totp", action="confirm", enrollment=self._field("enrollment"), code=app.code())
        return app, self._codes()

    def enroll_sent(self, factor: str, **fields: str) -> list[str]:
        """Set up ``email`` or ``sms``, and return the backup codes if this is the first way.

        A number that is typed is ``phone=``.
        """
        self.get(f"/mfa/enroll/{factor}")
        self.post(f"/mfa/enroll/{factor}", action="start", **fields)
        code = self.example.code(factor)
        self.post(f"/mfa/enroll/{factor}", action="confirm", enrollment=self._field("enrollment"), code=code)
        return self._codes()

    def accept(self) -> None:
        """Accept the agreement."""
        self.get("/mfa/agreement")
        self.post("/mfa/agreement", action="accept", accept="yes", version=self._field("version"))

    @property
    def heading(self) -> str:
        """The page's heading."""
        found = re.search(r"<h1[^>]*>(.*?)</h1>", self.page, re.DOTALL)
        return html.unescape(re.sub(r"<[^>]+>", "", found[1])).strip() if found else ""

    def _codes(self) -> list[str]:
        codes = re.findall(r"<li><code>([0-9A-Z]{5}-[0-9A-Z]{5})</code></li>", self.page)
        if codes:
            self.post("/mfa/backup-codes", action="saved", saved="yes")
        assert codes or self.heading in ("You’re all set", "Your sign-in security"), self.page
        return codes

    def _field(self, name: str) -> str:
        found: list[str] = re.findall(rf'name="{name}" value="([^"]*)"', self.page)
        return found[0]

    def _keep(self, answer: Any) -> str:
        self.page = str(answer.text)
        return self.page
