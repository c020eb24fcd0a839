"""A provider of phone calls that behaves, or does not.

It keeps the calls that it was asked to make, and signs callbacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode, urlsplit

from mfa_gate import Senders
from mfa_gate.core.rules import Policy
from mfa_gate.factors.phone import PhoneRules
from mfa_gate.factors.voice import VoiceRules
from mfa_gate.ports import Message
from mfa_gate.senders.twilio import callback_signature
from tests.harness import FORM, ORIGIN, Outbox, Reply, World, call, http_scope, make_world, with_rules

TOKEN = "the provider's own"
CALL = "CA0123456789abcdef0123456789abcdef"


class Provider(Outbox):
    """A sender of calls whose callbacks are signed with ``TOKEN``."""

    def verify_callback(self, url: str, params: Mapping[str, str], headers: Mapping[str, str], /) -> bool:
        """Return true if the signature of the callback is ours."""
        return headers.get("x-twilio-signature") == callback_signature(TOKEN, url, params)

    @property
    def last(self) -> Message:
        """The newest call."""
        return self.messages[-1]


def voice_policy(**rules: object) -> Policy:
    """Everybody may use calls, and text messages."""
    voice = replace(VoiceRules(regions=("US",)), **rules)  # type: ignore[arg-type]
    options = {"voice": voice, "sms": PhoneRules(regions=("US",))}
    allowed = ("totp", "sms", "voice", "backup-code")
    return with_rules(lambda r: replace(r, factors=replace(r.factors, allowed=allowed, options=options)))


@dataclass(slots=True)
class Phones:
    """A world with a provider of calls."""

    world: World
    provider: Provider

    @classmethod
    def make(cls, **rules: object) -> Phones:
        """A host whose people are called."""
        provider = Provider()
        world = make_world(policy=voice_policy(**rules), senders=Senders(sms=Outbox(), email=Outbox(), voice=provider))
        return cls(world=world, provider=provider)

    async def callback(
        self,
        params: dict[str, str] | None = None,
        *,
        url: str = "",
        signature: str | None = None,
        signed: dict[str, str] | None = None,
        method: str = "POST",
        query: bytes = b"",
    ) -> Reply:
        """One request of the provider, signed as it does unless told otherwise."""
        url = url or self.provider.last.callback
        params = {"CallSid": CALL, "CallStatus": "in-progress"} | (params or {})
        if signature is None:
            signature = callback_signature(TOKEN, url, signed if signed is not None else params)
        headers = [FORM, ("x-twilio-signature", signature), ("host", "evil.example")]
        scope = http_scope(method, urlsplit(url).path, query=query, headers=headers, address="192.0.2.99")
        return await call(self.world.app, scope, urlencode(params).encode())

    async def answer(self, key: str = "#") -> Reply:
        """The call is answered, and a key pressed."""
        greeted = await self.callback()
        assert greeted.status == 200, greeted.text
        return await self.callback({"Digits": key})


__all__ = ["CALL", "ORIGIN", "TOKEN", "Phones", "Provider"]
