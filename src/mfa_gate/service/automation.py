"""Tokens for automation: made, listed and revoked by the operator, used by programs."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import replace

from ..core.automation import (
    MAX_LIFE,
    MAX_NAME,
    MAX_TOKENS,
    MIN_LIFE,
    Automation,
    read_text,
    text_of,
    tokens_of,
    with_token,
    without_tokens,
)
from ..core.events import Event, Moment
from ..core.model import Subject, SubjectKey
from ..core.networks import full_address
from ..core.reasons import Refusal
from ..core.roles import RIGHTS, Right
from ..core.rules import TenantSettings
from ..core.text_safety import MAX_REASON, one_line, stated
from ..errors import StoreContention
from ..storage import take_one
from .accounts import Engine
from .admin.rights import Actor

PURPOSE = "automation"
MAX_TURNS = 50
REFUSED_PER_HOUR = 20


class AutomationTokens:
    """Use cases of tokens.

    Each is a row in the settings of its tenant, written with its event.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def create(
        self, actor: str, tenant: str, *, name: str, rights: Iterable[str], everywhere: bool, life: int, reason: str
    ) -> tuple[str, Automation] | Refusal:
        """Make a token. Returns its text, shown this once, and its row.

        ``life`` is in seconds. A name stands for one token of the tenant, and a tenant has a bounded number.
        """
        given: tuple[Right, ...] = tuple(right for right in RIGHTS if right in set(rights))
        checks = {
            "name": bool(stated(name)) and len(name) <= MAX_NAME and name == name.strip(),
            "rights": bool(given) and len(given) == len(set(rights)),
            "life": MIN_LIFE <= life <= MAX_LIFE,
            "reason": bool(stated(reason)),
        }
        if wrong := next((part for part, good in checks.items() if not good), ""):
            return Refusal(reason="malformed", member=wrong, detail=f"{wrong} is not right")
        moment = self.engine.moment(actor=actor)
        secret = urlsafe_b64encode(self.engine.wiring.entropy(24)).decode().rstrip("=")
        token = Automation(
            id=self.engine.wiring.entropy(6).hex(),
            name=name,
            tenant=tenant,
            rights=given,
            everywhere=everywhere,
            digest="",
            created_at=moment.now,
            created_by=actor,
            expires_at=moment.now + life,
        )
        token = replace(token, digest=self.engine.keyring.digest(PURPOSE, secret, *token.signed))

        def add(old: TenantSettings) -> TenantSettings | Refusal:
            over = frozenset(one.id for one in tokens_of(old) if moment.now >= one.expires_at)
            old = without_tokens(old, over)
            if any(one.name == name for one in tokens_of(old)):
                return Refusal(reason="not_allowed", detail=f"There is a token {name!r}: revoke it first.")
            if len(old.tokens) >= MAX_TOKENS:
                return Refusal(reason="too_many", detail=f"A tenant has at most {MAX_TOKENS} tokens.")
            return with_token(old, token)

        told = _told(moment, "token.created", token, reason=stated(reason))
        refusal = await self._swap(tenant, add, told)
        return refusal or (text_of(tenant, token.id, secret), token)

    async def tokens(self, tenant: str) -> tuple[Automation, ...]:
        """List the tokens of a tenant, those that are over included."""
        return tokens_of(await self.engine.store.settings(tenant))

    async def revoke(self, actor: str, tenant: str, *, id: str, reason: str) -> Refusal | None:
        """End a token at once, by its id or its name."""
        if not stated(reason):
            return Refusal(reason="malformed", member="reason")
        found = next((one for one in await self.tokens(tenant) if id in (one.id, one.name)), None)
        if found is None:
            return Refusal(reason="not_found")
        moment = self.engine.moment(actor=actor)
        told = _told(moment, "token.revoked", found, reason=stated(reason))
        gone = frozenset((found.id,))
        return await self._swap(tenant, lambda old: without_tokens(old, gone), told)

    async def use(self, text: str, *, call: str, address: str = "") -> Actor | Refusal:
        """Return the actor of a request that shows a token, once its use stands in the trail.

        ``call`` is the method and the address, without an id. A token that is none, has ended or was altered is refused
        with ``signed_out``.
        """
        engine, refused = self.engine, Refusal(reason="signed_out", detail="This token is not known, or has ended.")
        read = read_text(text)
        if read is None or not _is_tenant(read[0]):
            return refused
        tenant, id, secret = read
        engine.notice()
        found = next((one for one in tokens_of(await engine.settings(tenant)) if one.id == id), None)
        network = engine.rules(tenant).network_of(address)
        if found is None:
            return refused
        moment = engine.moment(network=network, actor=found.actor, address=full_address(address))
        is_good = engine.keyring.matches(PURPOSE, found.digest, secret, *found.signed)
        if not is_good or moment.now >= found.expires_at:
            full = await take_one(
                engine.store, f"token:{found.id}", limit=REFUSED_PER_HOUR, window=3600, now=moment.now
            )
            if not full:
                await engine.record((_told(moment, "token.refused", found, reason="expired" if is_good else "wrong"),))
            return refused
        await engine.record((_told(moment, "token.used", found, reason=one_line(call, limit=MAX_REASON)),))
        return Actor(name=found.actor, token=found, network_now=network, address_now=full_address(address))

    async def _swap(
        self, tenant: str, change: Callable[[TenantSettings], TenantSettings | Refusal], told: Event
    ) -> Refusal | None:
        """Write the settings with ``told``. Raises ``StoreContention``."""
        store = self.engine.store
        for _ in range(MAX_TURNS):
            new = change(await store.settings(tenant))
            if isinstance(new, Refusal):
                return new
            if await store.swap_settings(new, self.engine.chained((told,))):
                self.engine.effects.tell(told, committed=True)
                return None
        raise StoreContention(f"the settings of {tenant} changed {MAX_TURNS} times meanwhile")


def _told(moment: Moment, kind: str, token: Automation, *, reason: str) -> Event:
    key = SubjectKey(token.tenant, "")
    return moment.event(kind, key, reason=reason, token=token.id, name=token.name, rights=" ".join(token.rights))


def _is_tenant(name: str) -> bool:
    try:
        Subject("anybody", name)
    except ValueError:
        return False
    return True
