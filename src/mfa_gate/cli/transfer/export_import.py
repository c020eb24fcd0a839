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
from pathlib import Path

from ...service import Service
from ...service.maintenance.export import export_store
from ...service.maintenance.export_file import ExportReader, lines_in, opened
from ...service.maintenance.restore import Tally, restore_export
from ..context import DONE, NO, add_actor, add_parts, operator_name, running, tell
from ..progress import Progress

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


async def export_accounts(args: argparse.Namespace, service: Service) -> int:
    """Run ``accounts export``. Returns 1 for a broken trail; the file has it, and says so.

    Nothing in the file is in clear text. An interrupted export goes on. A finished one, or a file that is no export of this
    store, is never written over.
    """
    with opened("--to", args.to, writing=True) as file:
        reached, changed = await export_store(service, file, name=f"--to {args.to}", progress=_progress)
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


def _progress(title: str, total: int) -> Progress:
    return Progress(title, total=total)


async def import_accounts(args: argparse.Namespace, service: Service) -> int:
    """Run ``accounts import``. Nothing is written before the whole file was read and checked.

    Run it again after an interruption; an account that the store has already is kept as it is. Returns 1 if the store differs
    from the file afterwards, or if the file is not complete.
    """
    with opened("--from", args.source) as file, Progress("importing", total=lines_in(file)) as progress:
        tally, lines = await restore_export(
            service,
            file,
            name=f"--from {args.source}",
            actor=operator_name(args),
            reason=args.reason,
            merge=args.merge,
            read=lambda count: progress.step(count - progress.count),
        )
    is_old = bool(lines.count) and not lines.header
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
        found.append(
            f"{len(tally.claimed)} have a passkey that is somebody else's here; it was left out, and those with nothing else "
            f"are locked: {_named(tally.claimed)}"
        )
    if tally.changed:
        found.append(
            f"the old store was written to while it was exported ({_named(tally.changed)}): what people did then may "
            "be missing. Stop the service, export again, and import into an empty store"
        )
    return found


def _named(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
