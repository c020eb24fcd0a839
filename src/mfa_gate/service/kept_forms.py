"""Keep a form that was stopped, sealed, until its person has confirmed (U-69).

A form is kept for half an hour and given out once. The gate never sends it by itself (decision 15).

The store has a few places for each person, so nobody can fill it. A browser that has proven something has one of its own:
who knows the password alone pushes no form out of there.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from urllib.parse import parse_qsl

from ..core.model import Caller, SubjectKey
from ..errors import MFAGateError
from ..keyring import Unopened
from .accounts import Engine

log = logging.getLogger("mfa_gate")

Fields = tuple[tuple[str, str], ...]

MAX_FORM = 64 * 1024
"""The largest body that is kept, in bytes."""
MAX_FIELDS = 500
LIFE = 1800
"""Seconds that a form is kept."""
NEW = "n"
"""The place of the browsers that have proven nothing yet."""
PLACES = "01234567"
"""The places of all other browsers: each has one of them."""
_SECRETS = re.compile(
    r"pass(?:word|wd|phrase|code|wort)|pwd|secret|\botp\b|\bpin\b|cvc|cvv|card[-_ ]?(?:no|num)|cc[-_ ]?num",
    re.IGNORECASE,
)
"""Names of fields that must not be kept."""
_CHANGED = re.compile(r"\0|\r(?!\n)|(?<!\r)\n")
"""Characters that a browser would send in another way."""


def fields_of(body: bytes) -> Fields:
    """Read the fields of a urlencoded form, if a page can send them on unchanged; else none."""
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        return ()
    is_whole = all(name and name != "_charset_" and not _SECRETS.search(name) for name, _ in pairs)
    is_same = not any(_CHANGED.search(text) for pair in pairs for text in pair)
    return tuple(pairs) if is_whole and is_same else ()


class KeptForms:
    """The use cases of a form that was stopped.

    ``life`` is the time in seconds after which this process removes an abandoned form from the store.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.life: float = LIFE
        self._ends: dict[str, asyncio.TimerHandle] = {}

    async def keep(self, caller: Caller, *, target: str, body: bytes) -> str:
        """Keep a form, and return the word by which its browser gets it back.

        The word must stay in that browser: who else has it chooses what the person sends. ``target`` is the place that
        the form was sent to. Returns "" for a form that is not kept: it is too large, it holds a password, or the store is
        away.
        """
        if not target or len(body) > MAX_FORM or not fields_of(body):
            return ""
        engine = self._engine
        form = json.dumps({"at": engine.now(), "to": target, "body": body.decode("ascii")}).encode()
        random, nonce = engine.wiring.entropy(12).hex(), engine.wiring.entropy(12)
        try:
            word = await self._place(caller) + random
            sealed = engine.keyring.seal("form", form, row=_row(caller, word), nonce=nonce)
            name = name_of(engine, caller.subject.key, word[0])
            await engine.store.put_meta(name, sealed.encode(), until=engine.now() + LIFE)
        except MFAGateError as error:
            log.warning("mfa_gate: a form that was stopped could not be kept: %s", error)
            return ""
        self._end_later(name, sealed)
        return word

    async def take(self, caller: Caller, word: str) -> tuple[str, Fields] | None:
        """Give a form out, once: the place that it was sent to, and its fields.

        Returns None for a form that is no longer kept, or is of another sign-in.
        """
        store, name = self._engine.store, name_of(self._engine, caller.subject.key, word[:1])
        try:
            sealed = await store.meta(name)
            if not sealed:
                return None
            form = json.loads(self._engine.keyring.open("form", sealed.decode(), row=_row(caller, word)))
            await store.drop_meta(name)
        except (Unopened, MFAGateError):
            return None
        if self._engine.now() - form["at"] >= LIFE:
            return None
        return form["to"], fields_of(form["body"].encode())

    async def _place(self, caller: Caller) -> str:
        """Choose the place for the form of a browser."""
        account = (await self._engine.entry(caller.subject.key)).account
        handles = [browser.handle for browser in account.browsers]
        return PLACES[handles.index(caller.handle) % len(PLACES)] if caller.handle in handles else NEW

    def _end_later(self, name: str, sealed: str) -> None:
        """Remove a form when its time is over. The next form in its place has a time of its own."""
        loop = asyncio.get_running_loop()
        if before := self._ends.pop(name, None):
            before.cancel()
        self._ends[name] = loop.call_later(self.life, self._end, name, _mark(sealed.encode()))

    def _end(self, name: str, mark: bytes) -> None:
        self._ends.pop(name, None)
        self._engine.effects.later(self._remove(name, mark))

    async def _remove(self, name: str, mark: bytes) -> None:
        """Remove a form, unless another one has taken its place."""
        store = self._engine.store
        try:
            if _mark(await store.meta(name) or b"") == mark:
                await store.drop_meta(name)
        except MFAGateError as error:
            log.debug("mfa_gate: a form that was stopped stays in the store, sealed: %s", error)


def _mark(sealed: bytes) -> bytes:
    return hashlib.sha256(sealed).digest()


def name_of(engine: Engine, key: SubjectKey, place: str) -> str:
    """Return the name under which the store has the form in a place of a person's."""
    return f"form/{engine.keyring.digest('form', key.tenant, key.id)}/{place}"


async def drop_forms(engine: Engine, key: SubjectKey) -> None:
    """Remove all forms that are kept for a person. Raises ``StoreUnavailable``."""
    for place in NEW + PLACES:
        await engine.store.drop_meta(name_of(engine, key, place))


def _row(caller: Caller, word: str) -> tuple[str, ...]:
    """Bind a form to the person, the sign-in and the browser's word.

    The person that is acted for counts as well.
    """
    subject, acts_as = caller.subject, caller.acts_as
    return (subject.tenant, subject.id, subject.session, word, *((acts_as.tenant, acts_as.id) if acts_as else ()))
