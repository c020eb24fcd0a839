"""Callbacks of a telephone provider: check one, find its challenge, record it once.

The token in the callback's address names the challenge.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..core import changes
from ..core.changes.base import Change, keep
from ..core.events import Moment
from ..core.model import Account, Caller, Challenge, Subject
from ..core.reasons import Refusal
from ..factors.base import Rejected
from ..factors.optional_parts import Heard, Hears
from ..factors.tokens import Named, is_digest_of, read_token
from ..keyring import Unopened
from ..ports import CallsBack
from .accounts import Engine
from .challenges import Challenges
from .refusals import tell_refused

HOOK = "hook"


class ProviderCallbacks:
    """Use cases of callbacks.

    Nobody is signed in here, and nothing here is ever a success of a factor (S-128).
    """

    def __init__(self, engine: Engine, challenges: Challenges) -> None:
        self.engine = engine
        self.challenges = challenges

    async def hear(
        self,
        kind: str,
        token: str,
        *,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        root: str = "",
        address: str = "",
    ) -> str | Refusal:
        """Return the document that answers a provider's callback for a challenge of ``kind``.

        ``headers`` have names in lower case. ``root`` is the path below which the app is mounted. ``address`` is the
        network address of the caller.

        Refuses (``not_allowed``) a token that is not ours, a signature that is not the provider's, an address that is
        spelled another way, a challenge that has ended, and a step that was taken before or is not due.
        """
        part, keyring = self.engine.factors.get(kind), self.engine.keyring
        named = read_token(keyring, HOOK, token)
        if named is None or not isinstance(part, Hears):
            return await tell_refused(self.engine, None, kind, "not_found", address=address)
        sender = self.engine.wiring.senders.for_channel(part.traits.sends)
        url = f"{self.engine.public(root)}/hooks/{kind}/{token}"
        if not isinstance(sender, CallsBack) or not sender.verify_callback(url, params, headers):
            return await tell_refused(self.engine, named, kind, "not_allowed", address=address)
        answer = await self._swap(named, kind, part, url, params)
        return (
            await tell_refused(self.engine, named, kind, answer.reason, address=address)
            if isinstance(answer, Refusal)
            else answer
        )

    async def _swap(self, named: Named, kind: str, part: Hears, url: str, params: Mapping[str, str]) -> str | Refusal:
        subject = Subject(id=named.key.id, tenant=named.key.tenant)
        caller = Caller(subject=subject, handle="", network="")
        moment = self.engine.moment()
        account = await self.engine.load(named.key)
        context = self.challenges.context(caller, self.engine.rules(subject.tenant), purpose="sign-in", account=account)

        def step(current: Account) -> Change[str | Refusal]:
            challenge = self._challenge(current, kind, named, moment.now)
            if challenge is None:
                return keep(current, Refusal(reason="code_expired"))
            try:
                heard = part.hear(context, challenge=challenge, url=url, params=params)
            except Unopened:
                return keep(current, Refusal(reason="fault"))
            if isinstance(heard, Rejected):
                return keep(current, Refusal(reason=heard.reason))
            return self._written(current, challenge, heard, moment)

        return await self.engine.change(named.key, step)

    def _written(self, account: Account, challenge: Challenge, heard: Heard, moment: Moment) -> Change[str | Refusal]:
        change = changes.answer_elsewhere(account, moment, seen=challenge, status=heard.status, data=heard.data)
        answer = change.answer if isinstance(change.answer, Refusal) else heard.document
        return Change(account=change.account, events=change.events, answer=answer)

    def _challenge(self, account: Account, kind: str, named: Named, now: int) -> Challenge | None:
        """Find the live challenge that the token was made for, or None."""
        for challenge in account.challenges:
            mine = challenge.factor == kind and challenge.is_live(now, account.seen_at)
            if mine and is_digest_of(HOOK, challenge.data.get(HOOK), named):
                return challenge
        return None
