"""How long the trail is kept: what is older than the policy's ``[audit] retention`` goes, and it is told before it does."""

from __future__ import annotations

from ..core.model import SubjectKey
from ..ports import Anchor
from .engine import Engine

PIECE = 1_000
MAX_PIECES = 50
"""So many thousand lines of a tenant go at once; the rest goes the next time."""
PRUNED = "audit.pruned"


class Retaining:
    """Use cases of retention. Nothing is pruned where the policy names no retention."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def prune(self, *, tenant: str = "", actor: str = "mfa_gate") -> dict[str, int]:
        """Prune the trails of all tenants, or of one: how many lines went from each that lost some.

        The event commits first: a crash leaves lines that should have gone, never a gap that nobody told of.
        """
        engine, found = self.engine, dict[str, int]()
        for name in (tenant,) if tenant else await engine.store.trails():
            retention = engine.rules(name).audit.retention
            if retention is None:
                continue
            before = engine.now() - int(retention)
            first = (await engine.store.trail(name, limit=1)).items
            if not first or first[0].at >= before:
                continue
            moment = engine.moment(actor=actor)
            await engine.record((moment.event(PRUNED, SubjectKey(name, ""), reason="retention", before=before),))
            for _ in range(MAX_PIECES):
                count = await engine.store.prune(name, before=before, limit=PIECE)
                found[name] = found.get(name, 0) + count
                if count < PIECE:
                    break
        return found

    async def verify(self, tenant: str = "") -> tuple[dict[str, int], dict[str, Anchor]]:
        """The broken trails with the place of the first wrong line (from 0), and where pruned trails begin.

        A trail without its beginning, in which nobody told of pruning, is broken at its first line.
        """
        store = self.engine.store
        broken = await store.verify_trail(tenant)
        anchors = {name: await store.anchor(name) for name in ((tenant,) if tenant else await store.trails())}
        anchors = {name: anchor for name, anchor in anchors.items() if anchor.lines}
        for name in anchors:
            if not (await store.events(name, kind=PRUNED, limit=1)).items:
                broken.setdefault(name, 0)
        return broken, anchors
