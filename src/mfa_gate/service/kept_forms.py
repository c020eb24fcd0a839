"""Keep a form that was stopped, sealed, until its person has confirmed (U-69).

One form is kept for each person, for half an hour, and given out once. The gate never sends it by itself (decision 15).
"""

from __future__ import annotations

import json
import logging
import re
from urllib.parse import parse_qsl

from ..core.model import Subject
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
    """The use cases of a form that was stopped."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def keep(self, subject: Subject, *, target: str, body: bytes) -> str:
        """Keep a form, and return the word by which its browser gets it back.

        ``target`` is the place that it was sent to. Returns "" for a form that is not kept: it is too large, it holds a
        password, or the store is away.
        """
        if not target or len(body) > MAX_FORM or not fields_of(body):
            return ""
        engine = self._engine
        word = engine.wiring.entropy(12).hex()
        form = json.dumps({"at": engine.now(), "to": target, "body": body.decode("ascii")}).encode()
        nonce = engine.wiring.entropy(12)
        sealed = engine.keyring.seal("form", form, row=_row(subject, word), nonce=nonce)
        try:
            await engine.store.put_meta(self._name(subject), sealed.encode())
        except MFAGateError as error:
            log.warning("mfa_gate: a form that was stopped could not be kept: %s", error)
            return ""
        return word

    async def take(self, subject: Subject, word: str) -> tuple[str, Fields] | None:
        """Give a form out, once: the place that it was sent to, and its fields.

        Returns None for a form that is no longer kept, or is of another sign-in.
        """
        store, name = self._engine.store, self._name(subject)
        try:
            sealed = await store.meta(name)
            if not sealed:
                return None
            form = json.loads(self._engine.keyring.open("form", sealed.decode(), row=_row(subject, word)))
            await store.put_meta(name, b"")
        except (Unopened, MFAGateError):
            return None
        if self._engine.now() - form["at"] >= LIFE:
            return None
        return form["to"], fields_of(form["body"].encode())

    def _name(self, subject: Subject) -> str:
        return f"form/{self._engine.keyring.digest('form', subject.tenant, subject.id)}"


def _row(subject: Subject, word: str) -> tuple[str, ...]:
    return (subject.tenant, subject.id, subject.session, word)
