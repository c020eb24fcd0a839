"""A person with a browser, or a program with a token, at a host with a gate."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pyotp
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

PAGE = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}
SCRIPT = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty"}


class Person:
    """A client at ``origin``, whose app lies below ``root``.

    With a ``token`` it sends a program's headers, else a browser's. ``now`` is the clock of the app on its phone (seconds).
    """

    def __init__(self, origin: str, root: str, now: Callable[[], float]) -> None:
        self.origin = origin
        self.root = root
        self.now = now
        self.http = httpx2.Client(base_url=origin, timeout=20)
        self.token = ""

    def get(self, path: str, **more: Any) -> httpx2.Response:
        """Load a page, or ask as a program."""
        return self.http.get(self.root + path, headers=self._headers(PAGE), **more)

    def post(self, path: str, **more: Any) -> httpx2.Response:
        """Send a form of a page, or ask as a program."""
        headers = {**PAGE, "Origin": self.origin, "Sec-Fetch-Site": "same-origin"} | more.pop("headers", {})
        return self.http.post(self.root + path, headers=self._headers(headers), **more)

    def call(self, path: str, **members: Any) -> dict[str, Any]:
        """Make one of the gate's JSON calls; a program keeps the proof that it is given."""
        headers = self._headers({**SCRIPT, "Origin": self.origin})
        reply = self.http.post(f"{self.root}/mfa/api/{path}", json=members, headers=headers | {"X-MFA-Gate": "1"})
        assert reply.status_code in (200, 201), reply.text
        answer: dict[str, Any] = reply.json()
        if self.token and "proof_token" in answer:
            self.http.headers["MFA-Proof"] = answer["proof_token"]
        return answer

    def enroll(self) -> str:
        """Set up an authenticator app, and return its secret."""
        begun = self.call("enroll", factor="totp")
        secret: str = begun["secret"]
        self.call("enroll/confirm", enrollment=begun["enrollment"], response=self.code(secret))
        return secret

    def verify(self, secret: str) -> None:
        """Answer the challenge with a code, in a browser that is not to be remembered."""
        headers = self._headers({**SCRIPT, "X-MFA-Gate": "1"})
        known = self.http.get(f"{self.root}/mfa/api/state", headers=headers).json()["authenticators"]
        [app] = [one["id"] for one in known if one["factor"] == "totp"]
        proven = self.call("verify", authenticator=app, response=self.code(secret), remember=False)
        assert proven["state"] == "verified"

    def answer_on_page(self, secret: str) -> httpx2.Response:
        """Fill in the form of the challenge page, and return the answer to it."""
        page = self.get("/mfa/challenge").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        place = re.search(r'id="answer" method="post" action="([^"#]+)', page)
        assert token is not None
        assert place is not None
        form = {"csrf_token": token[1], "asked": "1", "code": self.code(secret)}
        return self.post(place[1].removeprefix(self.root), data=form)

    def echoed(self, path: str, text: str, protocol: str = "") -> str:
        """Say something on a websocket, and return the answer; the status if there is no way in."""
        headers = {
            "Origin": self.origin,
            "Cookie": "; ".join(f"{one.name}={one.value}" for one in self.http.cookies.jar),
        }
        address = self.origin.replace("http", "ws", 1) + self.root + path
        try:
            spoken = [Subprotocol(protocol)] if protocol else None
            with connect(address, additional_headers=headers, subprotocols=spoken, open_timeout=20) as socket:
                socket.send(text)
                return str(socket.recv(timeout=20))
        except InvalidStatus as refused:
            return str(refused.response.status_code)
        except ConnectionClosed as closed:
            return str(closed.rcvd.code if closed.rcvd else "")

    def code(self, secret: str) -> str:
        """Return the code that an authenticator app shows."""
        return pyotp.TOTP(secret).at(int(self.now()))

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Accept": "application/json"} if self.token else headers


@contextmanager
def person(origin: str, root: str = "", now: Callable[[], float] = time.time) -> Iterator[Person]:
    """Give a person with a new browser."""
    one = Person(origin, root, now)
    with one.http:
        yield one
