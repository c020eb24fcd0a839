"""The passkey factor alone, inside the steps that the service takes around it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mfa_gate.core.model import Authenticator, Challenge, Contacts, Fields, SubjectKey
from mfa_gate.core.rules import FactorRules, Rules
from mfa_gate.factors.base import Accepted, Context, Draft, Issue, Rejected
from mfa_gate.factors.passkey_checks import WebAuthnRules
from mfa_gate.factors.webauthn import WebAuthn
from mfa_gate.keyring import Keyring, make_key

from .softkey import ORIGIN, Bend, SoftKey

FACTOR = WebAuthn()
KEYRING = Keyring([make_key(bytes(range(32)))])
NOW = 1_760_000_000
UserVerification = Literal["required", "preferred", "discouraged"]


@dataclass(slots=True, kw_only=True)
class Ceremony:
    """One subject's passkeys and challenges, as an account would hold them."""

    id: str = "alice"
    user_verification: UserVerification = "preferred"
    options: dict[str, Any] = field(default_factory=dict)
    origins: tuple[str, ...] = (ORIGIN,)
    now: int = NOW
    known: list[Authenticator] = field(default_factory=list)
    challenges: list[Challenge] = field(default_factory=list)

    @property
    def rules(self) -> Rules:
        """The rules in force."""
        mine = WebAuthnRules(user_verification=self.user_verification, **self.options)
        return Rules(factors=FactorRules(options={"webauthn": mine}))

    def context(self, purpose: str) -> Context:
        """Return the context that the service would give to the factor."""
        return Context(
            key=SubjectKey("t", self.id),
            now=self.now,
            nonce=os.urandom(32),
            keyring=KEYRING,
            rules=self.rules,
            contacts=Contacts(name="Alice Example", email="alice@t.example"),
            purpose=purpose,
            service="App",
            host="app.example",
            origins=self.origins,
            known=tuple(self.known),
        )

    def draft(self) -> Fields:
        """The data of a fresh draft."""
        draft = FACTOR.draft(self.context("enroll"))
        assert isinstance(draft, Draft)
        return draft.data

    def ask(self, purpose: str, data: Fields) -> dict[str, Any]:
        """Issue a challenge and keep it; return the options that the browser is shown."""
        issue = FACTOR.issue(self.context(purpose), data)
        assert isinstance(issue, Issue)
        challenge = Challenge(
            id=f"c{len(self.challenges)}",
            factor="webauthn",
            purpose=purpose,
            target="x",
            browser="b",
            issued_at=self.now,
            expires_at=self.now + issue.ttl,
            data=issue.data,
        )
        self.challenges.append(challenge)
        shown = issue.show["public_key"]
        assert isinstance(shown, dict)
        return shown

    def judge(self, purpose: str, data: Fields, response: object) -> Accepted | Rejected | None:
        """Read and verify; None where the shape is wrong."""
        read = FACTOR.read(response, self.rules)
        if read is None:
            return None
        return FACTOR.verify(self.context(purpose), data=data, challenges=self.challenges, response=read)

    def enroll(self, key: SoftKey, bend: Bend | None = None) -> Accepted | Rejected | None:
        """Go through a whole registration, and keep an accepted one."""
        data = self.draft()
        outcome = self.judge("enroll", data, key.create(self.ask("enroll", data), bend))
        if isinstance(outcome, Accepted):
            self.keep(outcome.data)
        return outcome

    def keep(self, data: Fields) -> None:
        """One confirmed passkey more."""
        made = Authenticator(id=f"a{len(self.known)}", factor="webauthn", label="P", created_at=NOW, data=data)
        self.known.append(made)

    def prove(self, key: SoftKey, bend: Bend | None = None) -> Accepted | Rejected | None:
        """Go through a whole assertion, and keep the data of an accepted one."""
        data = self.known[0].data
        outcome = self.judge("sign-in", data, key.get(self.ask("sign-in", data), bend))
        if isinstance(outcome, Accepted):
            at = next(n for n, a in enumerate(self.known) if a.id == outcome.target)
            self.known[at] = replace(self.known[at], data=outcome.data)
        return outcome


def enrolled(key: SoftKey, **more: Any) -> Ceremony:
    """A subject with one passkey."""
    ceremony = Ceremony(**more)
    assert isinstance(ceremony.enroll(key), Accepted)
    return ceremony


def without(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """``fields`` less some."""
    return {name: value for name, value in fields.items() if name not in names}
