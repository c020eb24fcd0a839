"""Write a store to an export: trail and settings of each tenant, owed events, then people."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from ...core import codec
from ...core.model import SubjectKey
from ...core.settings_codec import settings_to
from ...core.trail import event_to_json
from ...errors import SettingsError
from .. import Service
from ..admin.chart import chart_of
from ..own_address import kept_roots
from ..store_checks import CANARY
from ..undelivered import owed
from .export_file import ExportReader, ExportWriter, Record

PIECE = 50
"""Lines of the trail in one line of the file. An import adds them in one write, which stays short enough."""
PAGE = 200


class Steps(Protocol):
    """A counter of the work that is done."""

    def step(self, count: int = 1) -> None:
        """Count ``count`` more."""


Stage = Callable[[str, int], AbstractContextManager[Steps]]
"""Makes the count of one stage from its title and its total (0: not known)."""


@dataclass(slots=True)
class ExportState:
    """The progress of an export, computed from the lines in its file."""

    tenants: set[str] = field(default_factory=set)
    places: dict[str, str] = field(default_factory=dict)
    lines: Counter[str] = field(default_factory=Counter)
    apps: set[str] = field(default_factory=set)
    broken: dict[str, int] = field(default_factory=dict)
    is_owed: bool = False
    after: SubjectKey | None = None
    accounts: int = 0
    is_whole: bool = False

    def note(self, record: Record) -> None:
        """Count one more line."""
        match record["k"]:
            case "trail":
                self.places[record["t"]] = record["next"]
                self.lines[record["t"]] += len(record["lines"])
                self.apps.update(record["apps"])
            case "tenant":
                self.tenants.add(record["t"])
                if record["broken"]:
                    self.broken[record["t"]] = record["broken"]
            case "owed":
                self.is_owed = True
            case "account":
                self.after, self.accounts = SubjectKey(record["t"], record["i"]), self.accounts + 1
            case "end":
                self.is_whole = True


class Export:
    """Write the rest of an export: trail and settings of each tenant, events, then people."""

    def __init__(self, service: Service, writing: ExportWriter, reached: ExportState, progress: Stage) -> None:
        self.service = service
        self.store = service.engine.store
        self.writing = writing
        self.reached = reached
        self.progress = progress

    def put(self, **record: object) -> None:
        """Write a line, and count it."""
        self.writing.put(record)
        self.reached.note(record)

    async def run(self) -> list[str]:
        """Write the rest of the export. Returns the tenants that changed meanwhile.

        The file has such a tenant as it was before, or half of the change.
        """
        tenants = sorted({*await self.store.trails(), *self.service.engine.policy.tenants})
        with self.progress("exporting the audit trail", 0) as progress:
            progress.step(self.reached.lines.total())
            for tenant in tenants:
                if tenant not in self.reached.tenants:
                    await self._tenant(tenant, progress)
        if not self.reached.is_owed:
            roots = await kept_roots(self.store, self.reached.apps)
            self.put(k="owed", hooks=await owed(self.store, self.reached.apps), roots=roots)
        total = sum([sum((await self.store.counts(tenant)).values()) for tenant in tenants])
        with self.progress("exporting accounts", total) as progress:
            progress.step(self.reached.accounts)
            await self._accounts(progress)
        changed = [tenant for tenant in await self.store.trails() if await self._has_moved_on(tenant)]
        self.put(k="end", changed=changed)
        self.writing.sync()
        return changed

    async def _tenant(self, tenant: str, progress: Steps) -> None:
        store, after = self.store, self.reached.places.get(tenant, "")
        while (page := await store.trail(tenant, after=after, limit=PIECE)).items:
            after, apps = page.next, sorted({event.app for event in page.items})
            self.put(k="trail", t=tenant, next=after, apps=apps, lines=[event_to_json(event) for event in page.items])
            progress.step(len(page.items))
        settings, chart = await store.settings(tenant), await store.meta(chart_of(tenant))
        verdict = await self.service.retention.verify(tenant)
        self.put(
            k="tenant",
            t=tenant,
            settings=settings_to(settings) if settings.version else "",
            chart="" if chart is None else chart.decode(),
            lines=self.reached.lines[tenant],
            pruned=verdict.anchors[tenant].lines if tenant in verdict.anchors else 0,
            broken=verdict.broken[tenant].place + 1 if tenant in verdict.broken else 0,
        )

    async def _accounts(self, progress: Steps) -> None:
        while keys := await self.store.keys(after=self.reached.after, limit=PAGE):
            for key in keys:
                body = codec.encode(await self.store.load(key))
                self.put(k="account", t=key.tenant, i=key.id, b=body.decode("utf-8", "surrogatepass"))
                progress.step()

    async def _has_moved_on(self, tenant: str) -> bool:
        """Tell if a trail has grown since it was read.

        Every change of an account comes with its event, so a longer trail shows that accounts may have changed.
        """
        return bool((await self.store.trail(tenant, after=self.reached.places.get(tenant, ""), limit=1)).items)


async def export_store(
    service: Service, file: BinaryIO, *, name: str, progress: Stage
) -> tuple[ExportState, list[str]]:
    """Write the store to ``file``, or the rest of it after an interruption.

    ``name`` is the file's name in messages. Returns the progress, and the tenants that changed meanwhile. Nothing in
    the file is in clear text.

    Raises ``SettingsError`` for a finished export, or for a file that is no export of this store: neither is ever
    written over.
    """
    engine, reached = service.engine, ExportState()
    lines = ExportReader(name, file, engine.keyring)
    writing = ExportWriter(file, engine.keyring, engine.wiring.entropy)
    for record in lines:
        if lines.header:
            reached.note(record)
    here = hashlib.sha256(await engine.store.meta(CANARY) or b"").hexdigest()
    if not lines.count and not lines.torn:
        writing.begin(store=here, at=engine.now())
    else:
        _require_own(lines, reached, here)
        writing.resume(lines)
    changed = await Export(service, writing, reached, progress).run()
    return reached, changed


def _require_own(lines: ExportReader, reached: ExportState, here: str) -> None:
    if not lines.header:
        raise SettingsError(f"{lines.name}: this file exists and is no export that can be continued; give another name")
    if reached.is_whole:
        raise SettingsError(f"{lines.name}: holds a finished export, which is never written over; give another name")
    if lines.header["store"] != here:
        raise SettingsError(
            f"{lines.name}: holds the beginning of another store's export, or one from before the newest key; "
            "give another name"
        )
