"""The looser policies that wait for approvals.

Each application has at most one: the latest that was refused.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from ..core.rules import DAY, Policy
from ..policyfile.tools.diff import Difference
from ..storage import Notes
from .policy_archive import PolicyArchive

APPROVAL_LIFE = 30 * DAY
"""Seconds for which an approval counts."""
MOST_CHANGES = 200
"""Changes that are kept with a waiting policy; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingChange:
    """One change that the policy would make.

    ``witness`` is a request that shows it, "" for none.
    """

    tenant: str
    path: str
    old: str
    new: str
    change: str
    witness: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingPolicy:
    """A policy that was refused because approvals are missing.

    ``since`` is the time of its first refusal (UTC seconds), ``needed`` the number of approvals that the policy in force
    asks for. ``more`` counts the changes that are not listed. ``is_compared`` is False where the policy in force could not
    be read: then ``changes`` is empty, and the policy counts as looser.
    """

    app: str
    name: str
    digest: str
    since: int
    needed: int
    changes: tuple[WaitingChange, ...]
    more: int = 0
    is_compared: bool = True


def waiting_changes(found: tuple[Difference, ...]) -> tuple[tuple[WaitingChange, ...], int]:
    """Make the changes to keep, the looser ones first, and count those that are left out."""
    order = ("looser", "stricter", "no request", "neutral")
    rows = sorted(found, key=lambda entry: order.index(entry.change))
    kept = tuple(
        WaitingChange(
            tenant=entry.tenant,
            path=entry.path,
            old=entry.old,
            new=entry.new,
            change=entry.change,
            witness=entry.witness.text if entry.witness else "",
        )
        for entry in rows[:MOST_CHANGES]
    )
    return kept, len(rows) - len(kept)


class WaitingPolicies:
    """The notes of a store about waiting policies."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._archive = PolicyArchive(notes)

    async def note(self, waiting: WaitingPolicy, policy: Policy) -> None:
        """Keep a waiting policy with its text. One that waits already keeps its time."""
        known = await self.of(waiting.app)
        if known is not None and known.digest == waiting.digest:
            waiting = replace(waiting, since=known.since)
            if waiting == known:
                return
        await self._archive.keep(policy)
        if known is not None and known.digest != waiting.digest:
            await self._let_go(known, now=waiting.since)
        apps = await self._apps()
        if waiting.app not in apps:
            await self._notes.put_meta(APPS, json.dumps([*apps, waiting.app]).encode())
        await self._notes.put_meta(_name(waiting.app), json.dumps(asdict(waiting)).encode())

    async def of(self, app: str) -> WaitingPolicy | None:
        """Return the policy that waits to come into force in an application."""
        body = await self._notes.meta(_name(app))
        if not body:
            return None
        row = json.loads(body)
        return WaitingPolicy(**{**row, "changes": tuple(WaitingChange(**change) for change in row["changes"])})

    async def all(self) -> tuple[WaitingPolicy, ...]:
        """List the waiting policies of all applications."""
        found = [await self.of(app) for app in await self._apps()]
        return tuple(one for one in found if one is not None)

    async def drop(self, app: str, *, now: int) -> None:
        """Forget the waiting policy of an application. ``now`` is in UTC seconds.

        Another one is in force, or its file is gone. Its text stays as long as its latest approval can count.
        """
        known = await self.of(app)
        if known is not None:
            await self._notes.drop_meta(_name(app))
            await self._let_go(known, now=now)

    async def _let_go(self, known: WaitingPolicy, *, now: int) -> None:
        """Give the text of a policy that waited its end, unless it waits elsewhere."""
        if not any(one.digest == known.digest and one.app != known.app for one in await self.all()):
            await self._archive.end(known.digest, until=now + APPROVAL_LIFE)

    async def _apps(self) -> tuple[str, ...]:
        body = await self._notes.meta(APPS)
        return tuple(json.loads(body)) if body else ()


APPS = "policy:waiting"


def _name(app: str) -> str:
    return f"policy:waiting@{app}"
