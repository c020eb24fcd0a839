"""Read the records of report-only, prune old ones, and forget a person in them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator

from ..core.model import SubjectKey
from ..core.report import HOUR, Part
from ..core.report_codec import pack, part_document, part_from, unpack
from ..storage import ReportParts
from .accounts import Engine
from .report_erasure import note_erasure
from .report_recorder import ReportRecorder
from .retention_grace import REPORT, RetentionGrace

log = logging.getLogger("mfa_gate")


class ReportArchive:
    """Use cases of kept records."""

    def __init__(self, engine: Engine, recorder: ReportRecorder) -> None:
        self.engine = engine
        self.recorder = recorder
        self.grace = RetentionGrace(engine, REPORT)

    async def tenants(self) -> tuple[str, ...]:
        """List the tenants with records. Raises ``StoreUnavailable``."""
        store = self.engine.store
        return await store.reported_tenants() if isinstance(store, ReportParts) else ()

    async def parts(self, tenant: str, *, since: int = 0, until: int | None = None) -> list[Part]:
        """Return the records from ``since`` up to ``until`` (UTC seconds), by hour.

        Those that this worker has not written yet are among them.

        A part that cannot be read is left out, and logged. Raises ``StoreUnavailable``.
        """
        store, last = self.engine.store, (self.engine.now() if until is None else until) // HOUR
        found: dict[str, Part] = {}
        kept = (
            await store.report_parts(tenant, since=since // HOUR, until=last) if isinstance(store, ReportParts) else ()
        )
        for part in kept:
            try:
                read = unpack(part.body)
            except ValueError as error:
                log.error("mfa_gate: a record of report-only cannot be read (tenant %s): %s", tenant, error)
                continue
            found[read.uid] = read  # a write that was done again after an outage is one part
        fresh = [one for one in self.recorder.unwritten(tenant) if since // HOUR <= one.hour <= last]
        return sorted([*found.values(), *fresh], key=lambda part: part.hour)

    async def prune(self) -> None:
        """Remove the records that are older than the policy keeps them, tenant by tenant."""
        store, now = self.engine.store, self.engine.now()
        if not isinstance(store, ReportParts):
            return
        for tenant in await store.reported_tenants():
            retention = int(self.engine.rules(tenant).report.retention)
            if (longer := await self.grace.for_tenant(tenant)) is not None:
                retention = max(retention, longer.retention or 0)
            await store.prune_report(tenant, before=(now - retention) // HOUR)


async def erase_from_report(engine: Engine, key: SubjectKey) -> None:
    """Take a person out of all kept records. Raises ``StoreUnavailable``.

    Counts that a worker has not written yet leave the person out when they are written (``ReportRecorder``).
    """
    store = engine.store
    await note_erasure(engine, key)
    if not isinstance(store, ReportParts):
        return
    for kept in await store.report_parts(key.tenant, since=0, until=engine.now() // HOUR + 1):
        try:
            part = unpack(kept.body)
        except ValueError:
            await store.replace_report_part(key.tenant, kept, b"")  # nobody can tell who is in it
            continue
        others = [row for row in part.rows if row.situation.id != key.id]
        if len(others) < len(part.rows):
            part.rows = others
            await store.replace_report_part(key.tenant, kept, pack(part))


def export_lines(tenant: str, parts: Iterable[Part]) -> Iterator[str]:
    """Write records as lines of JSON, one part each."""
    for part in parts:
        yield json.dumps({"tenant": tenant, **part_document(part)}, separators=(",", ":"))


def read_line(line: str) -> tuple[str, Part]:
    """Read the tenant and the part of a line that ``export_lines`` wrote.

    Raises ``ValueError`` for another line.
    """
    document = json.loads(line)
    part = part_from(document)
    return str(document["tenant"]), part
