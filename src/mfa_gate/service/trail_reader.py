"""The trails as the operator reads them.

They come in their order, with cursors, and with their signed heads.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from ..core.trail_search import Search
from ..storage import END, ChainPoint, EventPage
from .accounts import Engine
from .trail_export import Line, Mark, Tally, exported
from .trail_heads import Head, read_head, signed_head

PAGE = 200


class TrailReader:
    """Use cases of the commands that read trails."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def tenants(self) -> tuple[str, ...]:
        """List the tenants that have a trail."""
        return await self.engine.store.trails()

    async def page(self, tenant: str, after: str, *, limit: int = PAGE) -> EventPage:
        """Return the lines behind a cursor, oldest first, and the cursor behind them."""
        return await self.engine.store.trail(tenant, after=after, limit=limit)

    async def end(self, tenant: str) -> str:
        """Return the cursor behind the last line."""
        return (await self.engine.store.trail(tenant, after=END)).next

    async def place_of(self, ref: str, tenant: str = "") -> str | None:
        """Return the cursor behind the line with the reference ``ref``, or None.

        All trails of a store are numbered by one counter or clock, so the cursor fits every tenant.
        """
        for name in (tenant,) if tenant else await self.tenants():
            after = ""
            while (page := await self.page(name, after)).items:
                for number, event in enumerate(page.items, 1):
                    if event.id == ref:
                        return (await self.page(name, after, limit=number)).next
                after = page.next
        return None

    def export(self, tenant: str, search: Search, tally: Tally) -> AsyncGenerator[Line | Mark, None]:
        """Yield the lines of a trail with their signed heads. See ``trail_export``."""
        return exported(self.engine, tenant, search, tally)

    async def head(self, tenant: str) -> str:
        """Sign the head of a trail for people outside."""
        return self.sign(tenant, await self.engine.store.head(tenant))

    def sign(self, tenant: str, point: ChainPoint) -> str:
        """Sign a point of a trail for people outside."""
        return signed_head(self.engine.trail_keys, tenant, point, at=self.engine.now())

    def read_head(self, word: str) -> Head:
        """Read a head that a key of this gate signed. Raises ``NoHead``."""
        return read_head(word, self.engine.trail_keys.verify_key)
