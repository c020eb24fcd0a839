"""Run the practice's desktop application, a terminal client that signs in by token.

It shares the attempts with the browser.
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Desktop", "main"]

DONE, REFUSED, WRONG_USE = 0, 1, 2
TIMEOUT = 15
NAMES = {
    "totp": "Authenticator app",
    "email": "E-mail",
    "sms": "Text message",
    "voice": "Phone call",
    "push": "Approve on your phone",
    "backup-code": "Backup code",
}
SENT = ("email", "sms")
"""The factors whose code this client has sent before it asks for it."""
TYPED = ("email", "sms", "totp", "backup-code")
"""The factors that can be answered by typing; the others need a browser."""

WHY = {
    "expired": "Your last confirmation has ended.",
    "ip_changed": "You are on another network.",
    "revoked": "Your earlier confirmations were ended.",
}


class Unreachable(Exception):
    """Report that the service does not answer as it should; the text is for the person."""


class _Stay(urllib.request.HTTPRedirectHandler):
    """Take a redirect as an answer: following one would carry token and proof elsewhere."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow nothing."""


@dataclass(slots=True)
class Service:
    """Ask the service's JSON. ``token`` is the sign-in, ``proof`` the second factor.

    Both live in this process only.
    """

    url: str
    token: str = field(default="", repr=False)
    proof: str = field(default="", repr=False)
    _open: Callable[..., Any] = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay).open

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Make one call, and return its status and document. Raises ``Unreachable``.

        A proof in the answer is kept for the next calls.
        """
        headers = {"Accept": "application/json", "Content-Type": "application/json", "X-MFA-Gate": "1"}
        headers["User-Agent"] = "Ledgerline-Desktop/1.0"
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.proof:
            headers["MFA-Proof"] = self.proof
        data = None if method == "GET" else json.dumps(body or {}).encode()
        try:
            request = urllib.request.Request(self.url + path, data, headers, method=method)
            with self._open(request, timeout=TIMEOUT) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as answer:
            with answer:
                status, text = answer.code, answer.read()
        except (OSError, ValueError) as error:
            raise Unreachable(f"{self.url} cannot be reached: {error}") from None
        try:
            document = json.loads(text)
        except ValueError:
            raise Unreachable(f"{self.url}{path} answered {status} and no JSON.") from None
        if not isinstance(document, dict):
            raise Unreachable(f"{self.url}{path} answered something unexpected.")
        self.proof = document.get("proof_token", self.proof)
        return status, document


class Desktop:
    """Run one sitting. ``ask`` reads a line, ``say`` shows one.

    The end of the input raises ``EOFError`` from ``ask``.
    """

    def __init__(self, service: Service, *, ask: Callable[[str], str], say: Callable[[str], None]) -> None:
        self.service = service
        self.ask = ask
        self.say = say

    def run(self, username: str, password: str) -> int:
        """Sign in, prove, show the person. Returns the exit code."""
        status, answer = self.service.ask("POST", "/api/token", {"username": username, "password": password})
        if status != 200:
            self.say(str(answer.get("error", "Sign-in failed.")))
            return REFUSED
        self.service.token = answer["token"]
        while True:
            _, state = self.service.ask("GET", "/mfa/api/state")
            match state.get("state"):
                case "verified" | "off" | "exempt":
                    return self.inside(state)
                case "challenge":
                    proven = self.prove(state)
                case "enroll":
                    proven = self.enroll(state)
                case "agreement":
                    proven = self.agree()
                case "locked":
                    self.say("Your account is locked. Only your system administrator can unlock it.")
                    return REFUSED
                case _:
                    self.say(told(state))
                    return REFUSED
            if not proven:
                return REFUSED

    def inside(self, state: dict[str, Any]) -> int:
        """Show the content of the application."""
        status, me = self.service.ask("GET", "/api/me")
        if status != 200:
            self.say(told(me))
            return REFUSED
        until = (state.get("proof") or {}).get("ends_at")
        self.say(f"Signed in as {me['name']} ({me['tenant']})." + (f" Good until {until}." if until else ""))
        return DONE

    # -- the second factor ---------------------------------------------------------------------------------------

    def prove(self, state: dict[str, Any]) -> bool:
        """Ask for a code until it is right.

        Returns False if the person gave up, or if nothing here can help.
        """
        mine = [a for a in state["authenticators"] if a["factor"] in TYPED]
        if not mine:
            self.say("Your sign-in method needs a browser. Sign in there and set up a code.")
            return False
        if why := WHY.get(state.get("reason") or ""):
            self.say(why)
        self.say(f"Confirm it’s you. {attempts(state['attempts_remaining'])}")
        names = [f"{a['label']} {a['hint']}".strip() for a in mine]
        chosen = mine[self.choose("How do you want to confirm it?", names)]
        return self.answer(chosen)

    def answer(self, chosen: dict[str, Any]) -> bool:
        """Have a code sent where that is the way, and enter it. An empty line sends another one."""
        challenge = self.send(chosen) if chosen["factor"] in SENT else ""
        while True:
            code = self.ask("Code: ").strip()
            if not code and chosen["factor"] in SENT:
                challenge = self.send(chosen) or challenge
                continue
            body = {"authenticator": chosen["id"], "response": code}
            status, answer = self.service.ask("POST", "/mfa/api/verify", body | _named("challenge", challenge))
            if status == 200:
                return True
            self.say(told(answer))
            if answer.get("reason") == "locked" or answer.get("attempts_remaining") == 0:
                self.say("Your account is locked. Only your system administrator can unlock it.")
                return False
            if status not in (422, 429):
                return False

    def send(self, chosen: dict[str, Any]) -> str:
        """Ask for a code. Returns the id of its challenge, or "" if none was sent."""
        status, issued = self.service.ask("POST", "/mfa/api/challenge", {"authenticator": chosen["id"]})
        if status != 201:
            self.say(told(issued))
            return ""
        self.say(f"We sent a code to {issued['hint']}. Press Enter alone for another one.")
        return str(issued["challenge"])

    def enroll(self, state: dict[str, Any]) -> bool:
        """Set up the first factor."""
        kinds = [kind for kind in state["enrollable"] if kind in TYPED]
        if not kinds:
            self.say("Set up your second step in a browser first.")
            return False
        if state["skippable"] and self.choose("Set up a second step?", ["Set it up now", "Skip for now"]) == 1:
            return self.service.ask("POST", "/mfa/api/enroll/skip")[0] == 200
        kind = kinds[self.choose("How do you want to get your codes?", [NAMES[kind] for kind in kinds])]
        status, begun = self.service.ask("POST", "/mfa/api/enroll", {"factor": kind})
        while begun.get("reason", "").startswith("phone_"):
            if phone := self.ask("Mobile number: ").strip():
                status, begun = self.service.ask("POST", "/mfa/api/enroll", {"factor": kind, "phone": phone})
                if status == 201:
                    break
            self.say(told(begun))
        if status != 201:
            self.say(told(begun))
            return False
        if "secret" in begun:
            self.say(f"Enter this key in your authenticator app: {begun['secret']}")
        else:
            self.say(f"We sent a code to {begun['hint']}.")
        while True:
            body = {"enrollment": begun["enrollment"], "response": self.ask("Code: ").strip()}
            status, done = self.service.ask("POST", "/mfa/api/enroll/confirm", body)
            if status == 201:
                for code in done.get("backup_codes", ()):
                    self.say(f"Backup code: {code}")
                return True
            self.say(told(done))
            if status not in (422, 429):
                return False

    def agree(self) -> bool:
        """Show the agreement and ask."""
        _, terms = self.service.ask("GET", "/mfa/api/agreement")
        self.say(f"{terms['title']} ({terms['version']})\n\n{terms['text']}\n")
        if self.choose("Do you accept it?", ["I accept", "I decline"]) == 1:
            return False
        return self.service.ask("POST", "/mfa/api/agreement", {"version": terms["version"]})[0] == 200

    def choose(self, question: str, choices: Sequence[str]) -> int:
        """Return the place of the choice; with one possibility nobody is asked."""
        if len(choices) == 1:
            return 0
        self.say(question)
        for number, choice in enumerate(choices, 1):
            self.say(f"  {number}  {choice}")
        while True:
            typed = self.ask(f"1-{len(choices)}: ").strip()
            if typed.isascii() and typed.isdecimal() and 1 <= int(typed) <= len(choices):
                return int(typed) - 1


def told(problem: dict[str, Any]) -> str:
    """Write a problem document in a sentence or two, with the attempts that are left."""
    text = f"{problem.get('title', 'That did not work')}. {problem.get('detail', '')}".strip()
    if problem.get("retry_after"):
        text += f" ({problem['retry_after']} seconds)"
    left = problem.get("attempts_remaining")
    return f"{text} {attempts(left)}" if isinstance(left, int) and left else text


def attempts(left: int) -> str:
    """Say how many wrong codes are left before the account is locked."""
    return f"{left} attempt{'' if left == 1 else 's'} left."


def _named(name: str, value: str) -> dict[str, str]:
    return {name: value} if value else {}


def main(arguments: list[str] | None = None) -> int:
    """Run the client. Returns 0 signed in, 1 refused, 2 wrong use."""
    parser = argparse.ArgumentParser(prog="example_app.desktop", description=__doc__)
    parser.add_argument("--url", default="http://localhost:8000", help="where the service is (default: %(default)s)")
    parser.add_argument("--username", default="", help="asked for where it is not given")
    parser.add_argument("--password", default="", help="asked for where it is not given")
    options = parser.parse_args(arguments)
    if not options.url.startswith(("http://", "https://")):
        parser.error("--url begins with http:// or https://")
    hidden = getpass.getpass if sys.stdin.isatty() else input
    try:
        username = options.username or input("E-mail: ")
        password = options.password or hidden("Password: ")
        service = Service(options.url.rstrip("/"))
        return Desktop(service, ask=input, say=print).run(username, password)
    except Unreachable as fault:
        print(fault, file=sys.stderr)
        return REFUSED
    except (EOFError, KeyboardInterrupt):
        print()
        return REFUSED


if __name__ == "__main__":
    sys.exit(main())
