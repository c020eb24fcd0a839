"""The commands about people: list, show, unlock, lock, reset, ticket, break-glass, export, import."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..core import codec
from ..core.grants import DEFAULT_HOURS
from ..core.model import Account, SubjectKey
from ..core.reasons import Refusal
from ..core.summary import STATUSES, Summary, summary_of
from ..errors import SettingsError
from ..keyring import Keyring, Unopened
from ..service import Service
from ..web.responses import stamp
from .operating import DONE, NO, add_actor, add_parts, operator, running, tell, tell_refusal

EXPORT = "export"
EXPORT_ROW = ("mfa_gate", "export")


def add_commands(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``accounts`` with its commands to the program's parser."""
    accounts = sub.add_parser(
        "accounts", help="look at people, unlock, lock and reset them, move them to another store"
    )
    commands = accounts.add_subparsers(dest="accounts_command", required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="list a tenant's people")
    add_parts(listing)
    listing.add_argument("--tenant", required=True)
    listing.add_argument("--status", choices=STATUSES, default="")
    listing.add_argument("--query", default="", metavar="TEXT", help="a part of the id or the name")
    listing.set_defaults(run=running(list_accounts))

    for name, work, help_text in (
        ("show", show, "show one person, without anything secret"),
        ("unlock", unlock, "give the attempts back"),
        ("lock", lock, "lock, and end every proof"),
        ("reset", reset, "remove every factor under a ticket"),
        ("ticket", ticket, "make an enrollment ticket: one use, one day, shown once"),
    ):
        command = commands.add_parser(name, help=help_text)
        add_parts(command)
        command.add_argument("id", metavar="ID")
        command.add_argument("--tenant", required=True)
        if name != "show":
            add_actor(command)
        if name == "reset":
            command.add_argument("--ticket", required=True, metavar="NUMBER", help="the ticket this is done under")
        command.set_defaults(run=running(work))

    grant = commands.add_parser(
        "break-glass", help="let somebody in for hours who cannot confirm now: two people, ask and confirm"
    )
    steps = grant.add_subparsers(dest="break_glass_command", required=True, metavar="COMMAND")
    for name, work, help_text in (
        ("ask", ask_grant, "ask for it; it opens nothing yet"),
        ("confirm", confirm_grant, "confirm what somebody else asked for within the hour"),
        ("revoke", revoke_grant, "end it, or take the request back"),
    ):
        command = steps.add_parser(name, help=help_text)
        add_parts(command)
        command.add_argument("id", metavar="ID")
        command.add_argument("--tenant", required=True)
        add_actor(command, reason=name != "confirm")
        if name == "ask":
            command.add_argument("--ticket", required=True, metavar="NUMBER", help="the ticket this is done under")
            command.add_argument("--hours", type=int, default=DEFAULT_HOURS, help="how long, under 12 (4)")
        if name == "confirm":
            command.add_argument(
                "--ref", default="", help="the reference of the request, so that no other is confirmed"
            )
        command.set_defaults(run=running(work))

    export = commands.add_parser("export", help="write every account to a file, sealed under the newest key")
    add_parts(export)
    export.add_argument("--to", required=True, metavar="FILE", type=Path)
    export.set_defaults(run=running(export_accounts))

    bring = commands.add_parser("import", help="read such a file into this store; what is there already is kept")
    add_parts(bring)
    bring.add_argument("--from", dest="source", required=True, metavar="FILE", type=Path)
    add_actor(bring)
    bring.set_defaults(run=running(import_accounts))


def _line(summary: Summary) -> str:
    factors = ", ".join(summary.factors) or "-"
    return f"{summary.key.id:40} {summary.status:13} {factors:30} {summary.name}"


def _document(account: Account) -> dict[str, object]:
    summary = summary_of(account)
    lock = account.lock
    return {
        "id": summary.key.id,
        "tenant": summary.key.tenant,
        "name": summary.name,
        "status": summary.status,
        "factors": list(summary.factors),
        "locked": {"at": stamp(lock.at), "cause": lock.cause, "ref": lock.ref} if lock else None,
        "attempts_used": account.attempts.used,
        "browsers": len(account.browsers),
        "recovery": account.recovery.about if account.recovery else None,
        "break_glass": _grant(account),
    }


def _grant(account: Account) -> dict[str, object] | None:
    grant = account.grant
    if grant is None:
        return None
    return {
        "ref": grant.ref,
        "asked_by": grant.asked_by,
        "asked_at": stamp(grant.asked_at),
        "confirmed_by": grant.confirmed_by or None,
        "ends_at": stamp(grant.ends_at) if grant.ends_at else None,
    }


async def list_accounts(args: argparse.Namespace, service: Service) -> int:
    """``accounts list``."""
    after, found = "", list[Summary]()
    while True:
        page = await service.engine.store.page(
            args.tenant, status=args.status, query=args.query, after=after, limit=200
        )
        found += page.items
        after = page.next
        if not after:
            break
    documents = [{"id": s.key.id, "name": s.name, "status": s.status, "factors": list(s.factors)} for s in found]
    tell(args, {"accounts": documents}, "\n".join(_line(s) for s in found) or "nobody")
    return DONE


async def show(args: argparse.Namespace, service: Service) -> int:
    """``accounts show``."""
    account = await service.engine.store.load(SubjectKey(args.tenant, args.id))
    if not account.version:
        return tell_refusal(args, Refusal(reason="not_found"))
    document = _document(account)
    tell(args, document, "\n".join(f"{name:14} {value}" for name, value in document.items()))
    return DONE


async def _done(args: argparse.Namespace, refusal: Refusal | None, text: str) -> int:
    if refusal is not None:
        return tell_refusal(args, refusal)
    tell(args, {"id": args.id, "tenant": args.tenant, "done": args.accounts_command}, text)
    return DONE


async def unlock(args: argparse.Namespace, service: Service) -> int:
    """``accounts unlock``."""
    key = SubjectKey(args.tenant, args.id)
    refusal = await service.administering.unlock(operator(args), key, reason=args.reason)
    return await _done(args, refusal, f"{key} has all attempts back")


async def lock(args: argparse.Namespace, service: Service) -> int:
    """``accounts lock``."""
    key = SubjectKey(args.tenant, args.id)
    refusal = await service.administering.lock(operator(args), key, reason=args.reason)
    return await _done(args, refusal, f"{key} is locked; every proof has ended")


async def reset(args: argparse.Namespace, service: Service) -> int:
    """``accounts reset``. The application's ``on_reset`` hook lives in the application: its password is reset by hand."""
    key = SubjectKey(args.tenant, args.id)
    refusal = await service.administering.reset(operator(args), key, ticket=args.ticket, reason=args.reason)
    return await _done(args, refusal, f"{key} has no factor any more; reset the password in your application as well")


async def ticket(args: argparse.Namespace, service: Service) -> int:
    """``accounts ticket``."""
    made = await service.administering.give_ticket(operator(args), SubjectKey(args.tenant, args.id), reason=args.reason)
    if isinstance(made, Refusal):
        return tell_refusal(args, made)
    tell(args, {"ticket": made}, made)
    return DONE


async def ask_grant(args: argparse.Namespace, service: Service) -> int:
    """``accounts break-glass ask``."""
    key = SubjectKey(args.tenant, args.id)
    refusal = await service.administering.breaking.ask(
        operator(args), key, reason=args.reason, ticket=args.ticket, hours=args.hours
    )
    if refusal is not None:
        return tell_refusal(args, refusal)
    account = await service.engine.store.load(key)
    ref = account.grant.ref if account.grant else ""
    text = f"asked for (reference {ref}); a second person confirms within an hour, until then nothing is open"
    tell(args, {"id": args.id, "tenant": args.tenant, "done": "ask", "ref": ref}, text)
    return DONE


async def confirm_grant(args: argparse.Namespace, service: Service) -> int:
    """``accounts break-glass confirm``."""
    key = SubjectKey(args.tenant, args.id)
    refusal = await service.administering.breaking.confirm(operator(args), key, ref=args.ref)
    if refusal is not None:
        return tell_refusal(args, refusal)
    account = await service.engine.store.load(key)
    ends_at = stamp(account.grant.ends_at) if account.grant else ""
    document = {"id": args.id, "tenant": args.tenant, "done": "confirm", "ends_at": ends_at}
    tell(args, document, f"{key} gets in without a second step until {ends_at}")
    return DONE


async def revoke_grant(args: argparse.Namespace, service: Service) -> int:
    """``accounts break-glass revoke``."""
    key = SubjectKey(args.tenant, args.id)
    refusal = await service.administering.breaking.revoke(operator(args), key, reason=args.reason)
    if refusal is not None:
        return tell_refusal(args, refusal)
    tell(
        args,
        {"id": args.id, "tenant": args.tenant, "done": "revoke"},
        f"there is no break-glass grant for {key} any more",
    )
    return DONE


def _progress(count: int, *, last: bool = False) -> None:
    if sys.stderr.isatty():
        print(f"\r{count} accounts", end="\n" if last else "", file=sys.stderr, flush=True)


async def export_accounts(args: argparse.Namespace, service: Service) -> int:
    """``accounts export``: a line an account, whole and sealed; nothing in it is in clear text. Runs beside the service."""
    engine = service.engine
    count, after = 0, None
    try:
        opened = os.open(args.to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise SettingsError(f"--to {args.to}: {error.strerror}") from error
    with os.fdopen(opened, "w", encoding="ascii") as file:
        while True:
            keys = await engine.store.keys(after=after, limit=200)
            for key in keys:
                account = await engine.store.load(key)
                document = {"t": key.tenant, "i": key.id, "b": codec.encode(account).decode()}
                plain = json.dumps(document, ensure_ascii=False).encode()
                nonce = engine.wiring.entropy(12)
                file.write(engine.keyring.seal(EXPORT, plain, row=EXPORT_ROW, nonce=nonce) + "\n")
                count += 1
            _progress(count)
            if not keys:
                break
            after = keys[-1]
    _progress(count, last=True)
    tell(args, {"exported": count}, f"{count} accounts written to {args.to}")
    return DONE


async def import_accounts(args: argparse.Namespace, service: Service) -> int:
    """``accounts import``: run it again after an interruption; an account that the store has already is kept as it is."""
    engine = service.engine
    brought = kept = 0
    moment = engine.moment(actor=f"operator:{args.actor}")
    for account in _sealed_accounts(args.source, engine.keyring):
        key = account.key
        present = await engine.store.load(key)
        if present.version:
            kept += 1
            continue
        for claim in (a.data.get("claim") for a in account.authenticators):
            if isinstance(claim, str):
                await engine.store.claim(claim, key)
        event = moment.event("store.imported", key, reason=args.reason)
        event = replace(event, id=f"{event.id}-{brought + 1}")
        if await engine.store.swap(account, (event,)):
            brought += 1
        _progress(brought + kept)
    _progress(brought + kept, last=True)
    tell(args, {"imported": brought, "kept": kept}, f"{brought} accounts brought, {kept} were there already")
    return DONE if brought or kept else NO


def _sealed_accounts(source: Path, keyring: Keyring) -> Iterator[Account]:
    """The accounts of an export. Raises ``SettingsError`` with the number of a line that none of the keys opens whole."""
    try:
        with source.open(encoding="ascii") as file:
            for number, line in enumerate(file, 1):
                try:
                    document = json.loads(keyring.open(EXPORT, line.strip(), row=EXPORT_ROW))
                except Unopened as error:
                    raise SettingsError(f"--from {source}, line {number}: {error}") from error
                yield codec.decode(SubjectKey(document["t"], document["i"]), 0, document["b"].encode())
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"--from {source}: {error}") from error
