""" "This was not me": the link in each notice, and the action of its button."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass

from ..core.changes import dispute as steps
from ..core.changes.enroll_rights import CHANGE_AGE
from ..core.events import Event, kind_of
from ..core.messages.alarms import dispute_alarm
from ..core.messages.facts import near
from ..core.messages.letter import Letter, Translate
from ..core.messages.notices import NOTICES
from ..core.model import Caller, SubjectKey
from ..core.reasons import Refusal
from ..core.rules import DAY
from ..keyring import Unopened
from ..storage import take_one
from .access import Access, owed
from .accounts import Engine
from .activity import own_activity
from .admin_alerts import Alarms

PURPOSE = "dispute"
LIFE, STOP_LIFE = 7 * DAY, 100 * DAY
"""The life of a link, and of one that stops a thing which waits: it outlives the longest wait of a policy."""
MAX_TOKEN = 2048
PER_HOUR = 10
LOOK_BACK = 200
SHORT_BYTES, SHORT = 10, 16
"""The random bytes of a short link, and its length in characters."""


def _life_of(kind: str) -> int:
    """Return the seconds for which a link in a notice of ``kind`` works."""
    return STOP_LIFE if kind in NOTICES and NOTICES[kind].stops else LIFE


def _short_name(short: str) -> str:
    return f"short-link:{hashlib.sha256(short.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputed:
    """The event that a link disputes: its account, reference, kind, time and network.

    ``used``: the event was disputed already. ``undoable``: the person can take the dispute back.
    """

    key: SubjectKey
    ref: str
    kind: str
    at: int
    network: str
    used: bool = False
    undoable: bool = False


class Disputing:
    """Use cases of disputes.

    Nobody needs to be signed in: the link is the secret. It is for one event and valid for seven days.
    """

    def __init__(self, engine: Engine, access: Access, alarms: Alarms) -> None:
        self.engine = engine
        self.access = access
        self.alarms = alarms

    async def url(self, kind: str, event: Event) -> str:
        """Make the link for a notice of ``kind`` about ``event``.

        Returns "" if our own pages are not reached from outside.
        """
        own = self.engine.own_address
        public = await own.look_up() if own.address is None else own.address
        if not public:
            return ""
        plain = json.dumps([event.tenant, event.account, event.id, kind, event.at, event.network], ensure_ascii=False)
        nonce = self.engine.wiring.entropy(12)
        token = self.engine.keyring.seal(PURPOSE, plain.encode(), row=(PURPOSE,), nonce=nonce)
        return f"{public}/dispute/{token}"

    async def short_url(self, kind: str, event: Event) -> str:
        """Make the link as ``url`` does, short enough for one text message.

        The store keeps the long one under a digest of the short one, so the store alone opens nothing.
        """
        long = await self.url(kind, event)
        if not long:
            return ""
        start, _, token = long.rpartition("/")
        short = base64.b32encode(self.engine.wiring.entropy(SHORT_BYTES)).decode().lower()
        until = max(event.at, self.engine.now()) + _life_of(kind)
        await self.engine.store.put_meta(_short_name(short), token.encode(), until=until)
        return f"{start}/{short}"

    async def read(self, token: str) -> Disputed | None:
        """Read a link; None for one that is not ours, too old, or of a forgotten person.

        The id of a forgotten person is nobody's, or that of a new person.
        """
        if not token.isascii() or len(token) > MAX_TOKEN:
            return None
        if len(token) == SHORT:
            token = (await self.engine.store.meta(_short_name(token)) or b"").decode()
        try:
            found = json.loads(self.engine.keyring.open(PURPOSE, token, row=(PURPOSE,)))
            tenant, id, ref, kind, at, network = found
        except (Unopened, ValueError, TypeError):
            return None
        if self.engine.now() - int(at) >= _life_of(kind):
            return None
        key = SubjectKey(tenant, id)
        account = await self.engine.load(key)
        if account.is_unknown or int(at) < account.forgotten_at:
            return None
        used, undoable = await self._used(key, ref), bool(account.undo_by)
        return Disputed(key=key, ref=ref, kind=kind, at=at, network=network, used=used, undoable=undoable)

    async def dispute(self, token: str, *, network: str) -> Disputed | Refusal:
        """Act on a pressed button, once for each event.

        It ends every proof, stops changes of factors for a day and tells the administrators.
        """
        found = await self.read(token)
        if found is None:
            return Refusal(reason="not_found")
        engine = self.engine
        wait = await take_one(
            engine.store, engine.bucket("dispute", found.key), limit=PER_HOUR, window=3600, now=engine.now()
        )
        if wait:
            return Refusal(reason="too_soon", retry_after=wait)
        if not found.used:
            moment = engine.moment(network=network)
            await engine.change(
                found.key,
                lambda account: steps.dispute(account, moment, about=found.ref, kind=found.kind, at=found.at),
            )
            await self._alarm(found)
        return found

    async def report(self, caller: Caller, *, about: str = "") -> Refusal | None:
        """Dispute an event in the person's own list; needs a proven second factor.

        It has the same effect as the link. ``about`` is the reference of the event, "" where none is meant.
        """
        refusal = owed(await self.access.own(caller), self.engine.now())
        if refusal is not None:
            return refusal
        key, moment = caller.subject.key, self.engine.moment_of(caller)
        mine = await own_activity(self.engine, key, limit=LOOK_BACK) if about else ()
        event = next((event for event in mine if event.id == about), None)
        ref, kind = (event.id, event.kind) if event else ("", "")
        at, network = (event.at, event.network) if event else (moment.now, caller.network)
        await self.engine.change(key, lambda account: steps.dispute(account, moment, about=ref, kind=kind, at=at))
        await self._alarm(Disputed(key=key, ref=ref, kind=kind, at=at, network=network))
        return None

    async def undo(self, caller: Caller) -> Refusal | None:
        """Take back a dispute: changes are allowed again.

        It needs a fresh proof by an authenticator that had no part in what was disputed.
        """
        judgement = await self.access.own(caller)
        refusal = owed(judgement, self.engine.now())
        if refusal is not None:
            return refusal
        now, moment = self.engine.now(), self.engine.moment_of(caller)
        proven = [proof.authenticator for proof in judgement.looked_at.proofs if now - proof.at < CHANGE_AGE]
        return await self.engine.change(caller.subject.key, lambda account: steps.undo(account, moment, proven=proven))

    async def stop_recovery(self, caller: Caller) -> Refusal | None:
        """Take back one's own request for recovery; needs a proven second factor."""
        refusal = owed(await self.access.own(caller), self.engine.now())
        if refusal is not None:
            return refusal
        moment = self.engine.moment_of(caller)
        return await self.engine.change(caller.subject.key, lambda account: steps.stop_recovery(account, moment))

    async def _used(self, key: SubjectKey, ref: str) -> bool:
        """Tell if the event was disputed already.

        The trail is asked, so that the answer outlives a restart and holds for a second server.
        """
        page = await self.engine.store.events(key.tenant, account=key.id, kind="account.disputed", limit=LOOK_BACK)
        return any(event.detail.get("about") == ref for event in page.items)

    async def _alarm(self, found: Disputed) -> None:
        """Mail the administrators. A mail that cannot be sent is logged; the trail has the event."""
        facts = {
            "account": found.key.id,
            "tenant": found.key.tenant,
            "ref": found.ref,
        }
        place = await self.engine.place_of(found.network)

        def write(when: str, service: str, translate: Translate) -> Letter:
            words = kind_of(found.kind).about if found.kind else None
            what = translate(words.plain) if words else ""
            told = {"what": what, "when": when, "where": near(found.network, place, translate)}
            return dispute_alarm(service=service, facts={**facts, **told}, translate=translate)

        key = f"alarm-{found.key}-{found.ref}-{self.engine.now()}"
        self.alarms.send(found.key.tenant, write, at=found.at, key=key)
