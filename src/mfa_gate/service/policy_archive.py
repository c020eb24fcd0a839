"""Keep the text of each policy that was in force, and the history of each application."""

from __future__ import annotations

import base64
import json
import tempfile
import tomllib
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..core.rules import ChangeRules, Policy
from ..errors import SettingsError
from ..factors import Registry
from ..policyfile import parse_policy
from ..storage import Notes

MOST_ENTRIES = 2_000
"""Changes of one application that the history keeps; older ones go."""
SHORTEST = 6
"""Characters of a digest that name a policy."""
APPS = "policy:apps"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change: from ``at`` (UTC seconds) on, ``app`` worked with the policy ``digest``.

    ``by`` says what or who loaded it. ``differences`` counts those from the policy before, -1 where that one is not
    known. ``looser`` names the changes that let more pass.
    """

    at: int
    app: str
    name: str
    digest: str
    by: str
    differences: int = -1
    looser: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The text of a policy with the files that it names."""

    name: str
    digest: str
    text: str
    files: Mapping[str, bytes]

    @property
    def change(self) -> ChangeRules:
        """Read the approvals that the text asks for, even if this version does not take it."""
        try:
            told = tomllib.loads(self.text)["change"]
            return ChangeRules(looser=told["looser"], approvals=int(told.get("approvals", 1)))
        except (LookupError, TypeError, ValueError, AttributeError):
            return ChangeRules()

    def policy(self, factors: Registry) -> Policy:
        """Read the text again. Raises ``SettingsError`` if this version does not take it any more."""
        with tempfile.TemporaryDirectory(prefix="mfa_gate-policy-") as folder:
            base = Path(folder)
            for name, content in self.files.items():
                place = base / name
                if not place.resolve().is_relative_to(base.resolve()):
                    raise SettingsError(f"{name}: lies outside of the policy's folder")
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
            return parse_policy(self.text, base=base, source=self.digest[:12], factors=factors)


class PolicyArchive:
    """The notes of a store about policies."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    async def keep(self, policy: Policy, *, until: int = 0) -> None:
        """Keep the text of a policy for good, or until a time (UTC seconds).

        An earlier end never takes the place of a later one.
        """
        known = await self._document(policy.digest)
        if known is not None and _lasts(int(known.get("until", 0)), until):
            return
        files = {file: base64.b64encode(content).decode() for file, content in policy.files.items()}
        await self._put(policy.digest, {"name": policy.name, "text": policy.text, "files": files}, until)

    async def end(self, digest: str, *, until: int) -> None:
        """Give the text of a policy an end, unless it was ever in force."""
        known = await self._document(digest)
        if known is not None and not any(entry.digest == digest for entry in await self.history()):
            await self._put(digest, known, until)

    async def _document(self, digest: str) -> dict[str, Any] | None:
        body = await self._notes.meta(_text(digest))
        return json.loads(zlib.decompress(body)) if body else None

    async def _put(self, digest: str, document: dict[str, Any], until: int) -> None:
        body = zlib.compress(json.dumps({**document, "until": until}).encode())
        await self._notes.put_meta(_text(digest), body, until=until)

    async def text_of(self, digest: str) -> Kept | None:
        """Return the kept text of a policy; None where there is none. ``digest`` is the whole one."""
        document = await self._document(digest)
        if document is None:
            return None
        files = {name: base64.b64decode(content) for name, content in document["files"].items()}
        return Kept(name=document["name"], digest=digest, text=document["text"], files=files)

    async def find(self, beginning: str) -> str:
        """Return the whole digest of the policy whose digest begins so.

        Raises ``ValueError`` where none does, or several do.
        """
        wanted = beginning.strip().lower()
        if len(wanted) < SHORTEST:
            raise ValueError(f"name at least the first {SHORTEST} characters of the digest")
        found = {entry.digest for entry in await self.history() if entry.digest.startswith(wanted)}
        if not found and await self._document(wanted) is not None:
            found = {wanted}
        if len(found) != 1:
            raise ValueError(f'{len(found) or "no"} policies have a digest that begins with "{wanted}"')
        return found.pop()

    async def apps(self) -> tuple[str, ...]:
        """List the applications with a history."""
        body = await self._notes.meta(APPS)
        return tuple(json.loads(body)) if body else ()

    async def history(self, app: str | None = None) -> tuple[Entry, ...]:
        """List the changes of an application, the oldest first, or of all by their time.

        The clock of a worker may be wrong, so within an application the order of the rows counts and no time.
        """
        found: list[Entry] = []
        for name in await self.apps() if app is None else (app,):
            body = await self._notes.meta(_history(name))
            own = [Entry(**{**row, "looser": tuple(row["looser"])}) for row in json.loads(body)] if body else []
            # Two workers that start together may both have written the same change.
            found += [entry for n, entry in enumerate(own) if not n or own[n - 1].digest != entry.digest]
        return tuple(found) if app is not None else tuple(sorted(found, key=lambda entry: entry.at))

    async def latest(self, app: str) -> Entry | None:
        """Return the newest change of an application."""
        own = await self.history(app)
        return own[-1] if own else None

    async def in_force_at(self, at: int) -> tuple[Entry, ...]:
        """List the policy that each application worked with at a time, for those that had one."""
        found = []
        for app in await self.apps():
            before = [entry for entry in await self.history(app) if entry.at <= at]
            found += before[-1:]
        return tuple(found)

    async def add(self, entry: Entry) -> None:
        """Add a change to the history of its application."""
        known = await self.apps()
        if entry.app not in known:
            await self._notes.put_meta(APPS, json.dumps([*known, entry.app]).encode())
        rows = [asdict(row) for row in (*await self.history(entry.app), entry)][-MOST_ENTRIES:]
        await self._notes.put_meta(_history(entry.app), json.dumps(rows).encode())


def _lasts(known: int, until: int) -> bool:
    """Tell if a text with the end ``known`` stays until ``until`` by itself; 0 is for good."""
    return not known or (bool(until) and known >= until)


def _text(digest: str) -> str:
    return f"policy:text:{digest}"


def _history(app: str) -> str:
    return f"policy:history@{app}"
