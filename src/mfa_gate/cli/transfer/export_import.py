"""Offer ``mfa-gate accounts export`` and ``import``: move from one store to another.

These move: people (with locks, attempts, factors and proofs; their claims follow from their factors), the choices of each
tenant's administrators, the audit trail, the count of each day, and the events that hooks and notices have not received
yet. These stay behind: the canary (each store has its own); the use of limits on sends and refusals (a person's own are in
the account, the others last a day at most and begin anew); the marks of delivered hooks, since no moved line is delivered
again; and the time at which an older copy was accepted as the store, which every account that was loaded since carries
itself.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ...core import codec
from ...core.model import SubjectKey
from ...core.trail import event_to_json
from ...errors import SettingsError
from ...service import Service
from ...service.admin.chart import chart_of
from ...service.store_checks import CANARY
from ...service.undelivered import owed
from ...stores.common.documents import settings_to
from ..context import DONE, NO, add_actor, add_parts, operator_name, running, tell
from ..progress import Progress
from .export_file import ExportReader, ExportWriter, Record, lines_in, opened
from .restore import Restore, Tally, name_of

PIECE = 50
"""Lines of the trail in one line of the file. The store that imports them writes them in one piece, well within its time."""
PAGE = 200
NAMED = 10
"""Names in a sentence; ``--json`` has all."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``export`` and ``import`` to ``accounts``."""
    export = commands.add_parser(
        "export", help="write people, settings and trail to a file, sealed under the newest key; run again, it goes on"
    )
    add_parts(export)
    export.add_argument("--to", required=True, metavar="FILE", type=Path)
    export.set_defaults(run=running(export_accounts))

    bring = commands.add_parser(
        "import", help="read such a file into this store; accounts that are there already are kept"
    )
    add_parts(bring)
    bring.add_argument("--from", dest="source", required=True, metavar="FILE", type=Path)
    bring.add_argument(
        "--merge",
        action="store_true",
        help="also into a store where other people are: they are kept as they are, all others of the file are added",
    )
    add_actor(bring)
    bring.set_defaults(run=running(import_accounts, makes=True))


@dataclass(slots=True)
class ExportState:
    """Hold the progress of an export, by the lines that are in its file."""

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
        """Count one line more."""
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

    def __init__(self, service: Service, writing: ExportWriter, reached: ExportState) -> None:
        self.service = service
        self.store = service.engine.store
        self.writing = writing
        self.reached = reached

    def put(self, **record: object) -> None:
        """Write a line, and remember that it is there."""
        self.writing.put(record)
        self.reached.note(record)

    async def run(self) -> list[str]:
        """Write all of it, and return the tenants in which something was written meanwhile.

        The file has such a tenant as it was before, or half.
        """
        tenants = sorted({*await self.store.trails(), *self.service.engine.policy.tenants})
        with Progress("exporting the audit trail") as progress:
            progress.step(self.reached.lines.total())
            for tenant in tenants:
                if tenant not in self.reached.tenants:
                    await self._tenant(tenant, progress)
        if not self.reached.is_owed:
            self.put(k="owed", hooks=await owed(self.store, self.reached.apps))
        total = sum([sum((await self.store.counts(tenant)).values()) for tenant in tenants])
        with Progress("exporting accounts", total=total) as progress:
            progress.step(self.reached.accounts)
            await self._accounts(progress)
        changed = [tenant for tenant in await self.store.trails() if await self._has_moved_on(tenant)]
        self.put(k="end", changed=changed)
        self.writing.sync()
        return changed

    async def _tenant(self, tenant: str, progress: Progress) -> None:
        store, after = self.store, self.reached.places.get(tenant, "")
        while (page := await store.trail(tenant, after=after, limit=PIECE)).items:
            after, apps = page.next, sorted({event.app for event in page.items})
            self.put(k="trail", t=tenant, next=after, apps=apps, lines=[event_to_json(event) for event in page.items])
            progress.step(len(page.items))
        settings, chart = await store.settings(tenant), await store.meta(chart_of(tenant))
        broken, anchors = await self.service.retention.verify(tenant)
        self.put(
            k="tenant",
            t=tenant,
            settings=settings_to(settings) if settings.version else "",
            chart="" if chart is None else chart.decode(),
            lines=self.reached.lines[tenant],
            pruned=anchors[tenant].lines if tenant in anchors else 0,
            broken=broken[tenant] + 1 if tenant in broken else 0,
        )

    async def _accounts(self, progress: Progress) -> None:
        while keys := await self.store.keys(after=self.reached.after, limit=PAGE):
            for key in keys:
                body = codec.encode(await self.store.load(key))
                self.put(k="account", t=key.tenant, i=key.id, b=body.decode("utf-8", "surrogatepass"))
                progress.step()

    async def _has_moved_on(self, tenant: str) -> bool:
        """Tell if the trail is longer than the part that was read before the people were.

        Every change comes with its event.
        """
        return bool((await self.store.trail(tenant, after=self.reached.places.get(tenant, ""), limit=1)).items)


async def export_accounts(args: argparse.Namespace, service: Service) -> int:
    """Run ``accounts export``. Returns 1 for a broken trail; the file has it, and says so.

    Nothing in the file is in clear text. An interrupted export goes on. A finished one, or a file that is no export of this
    store, is never written over.
    """
    engine, reached = service.engine, ExportState()
    with opened("--to", args.to, writing=True) as file:
        lines = ExportReader(f"--to {args.to}", file, engine.keyring)
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
        changed = await Export(service, writing, reached).run()
    count = reached.lines.total()
    document = {"exported": reached.accounts, "lines": count, "broken": reached.broken, "changed": changed}
    said = [f"{reached.accounts} accounts and {count} lines of the audit trail written to {args.to}"]
    said += [f"the audit trail of {tenant} is broken at line {line}" for tenant, line in reached.broken.items()]
    if changed:
        said.append(
            f"the store was written to meanwhile ({', '.join(changed)}): to move, stop the service and export again "
            "to another file"
        )
    tell(args, document, "\n".join(said))
    return NO if reached.broken else DONE


def _require_own(lines: ExportReader, reached: ExportState, here: str) -> None:
    if not lines.header:
        raise SettingsError(
            f"{lines.name}: is there already, and is no export that can be gone on with; give another name"
        )
    if reached.is_whole:
        raise SettingsError(f"{lines.name}: holds a finished export, which is never written over; give another name")
    if lines.header["store"] != here:
        raise SettingsError(
            f"{lines.name}: holds the beginning of another store's export, or one from before the newest key; "
            "give another name"
        )


async def import_accounts(args: argparse.Namespace, service: Service) -> int:
    """Run ``accounts import``. Nothing is written before the whole file was read and checked.

    Run it again after an interruption; an account that the store has already is kept as it is. Returns 1 if the store differs
    from the file afterwards, or if the file is not complete.
    """
    with opened("--from", args.source) as file, Progress("importing", total=lines_in(file)) as progress:
        name = name_of(ExportReader(f"--from {args.source}", file, service.engine.keyring))
        file.seek(0)
        bringing = Restore(service, actor=operator_name(args), reason=args.reason, name=name, merge=args.merge)
        lines = ExportReader(f"--from {args.source}", file, service.engine.keyring)
        for record in lines:
            await bringing.take(record, lines)
            progress.step(lines.count - progress.count)
        await bringing.finish(lines)
    tally, is_old = bringing.tally, bool(lines.count) and not lines.header
    document = {
        "imported": tally.imported,
        "kept": tally.kept,
        "lines": tally.lines,
        "settings": tally.settings,
        "whole": None if is_old and not lines.torn else tally.is_whole,
        "differ": tally.differ,
        "claimed": tally.claimed,
        "changed": tally.changed,
    }
    wrong = _wrong(tally, lines, is_old=is_old)
    said = f"{tally.imported} accounts brought, {tally.kept} were there already; {tally.lines} lines of the audit trail and "
    said += f"the settings of {tally.settings} tenants brought"
    tell(args, document, "\n".join([said, *wrong]))
    nothing = is_old and not tally.imported and not tally.kept
    return NO if wrong or nothing else DONE


def _wrong(tally: Tally, lines: ExportReader, *, is_old: bool) -> list[str]:
    """List the differences of the store from the old one, a sentence each."""
    found = []
    if lines.torn or not (tally.is_whole or is_old):
        found.append(
            f"the file is not whole: it ends behind line {lines.count}. Run the export again with the same --to, "
            "then this again"
        )
    if tally.differ:
        found.append(f"{len(tally.differ)} are not as the file has them and were kept: {_named(tally.differ)}")
    if tally.claimed:
        found.append(f"{len(tally.claimed)} have a passkey that is somebody else's here: {_named(tally.claimed)}")
    if tally.changed:
        found.append(
            f"the old store was written to while it was exported ({_named(tally.changed)}): what people did then may "
            "be missing. Stop the service, export again, and import into an empty store"
        )
    return found


def _named(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
