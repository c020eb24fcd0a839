"""The commands about people: list, show, unlock, lock, reset, ticket, break-glass, export, import."""

from __future__ import annotations

import argparse

from ..core.break_glass import DEFAULT_HOURS
from ..core.model import Account
from ..core.reasons import Refusal
from ..core.summary import STATUSES, Summary, summary_of
from ..service import Service
from ..web.responses import stamp
from .context import DONE, add_actor, add_parts, key_of, operator, running, tell, tell_refusal
from .terminal import one_line
from .transfer import export_import


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
            command.add_argument(
                "--discard", action="store_true", help="begin an account anew whose record cannot be read any more"
            )
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
                "--ref", default="", help="the reference of the request: without it nothing is confirmed"
            )
        command.set_defaults(run=running(work))

    export_import.add_commands(commands)


def _line(summary: Summary) -> str:
    factors = ", ".join(summary.factors) or "-"
    return f"{one_line(summary.key.id):40} {summary.status:13} {factors:30} {one_line(summary.name)}"


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
    account = await service.engine.store.load(key_of(args))
    if not account.version:
        return tell_refusal(args, Refusal(reason="not_found"))
    document = _document(account)
    tell(args, document, "\n".join(f"{name:14} {one_line(value)}" for name, value in document.items()))
    return DONE


async def _done(args: argparse.Namespace, refusal: Refusal | None, text: str) -> int:
    if refusal is not None:
        return tell_refusal(args, refusal)
    tell(args, {"id": args.id, "tenant": args.tenant, "done": args.accounts_command}, text)
    return DONE


async def unlock(args: argparse.Namespace, service: Service) -> int:
    """``accounts unlock``."""
    key = key_of(args)
    refusal = await service.account_desk.unlock(operator(args), key, reason=args.reason)
    return await _done(args, refusal, f"{key} has all attempts back")


async def lock(args: argparse.Namespace, service: Service) -> int:
    """``accounts lock``."""
    key = key_of(args)
    refusal = await service.account_desk.lock(operator(args), key, reason=args.reason)
    return await _done(args, refusal, f"{key} is locked; every proof has ended")


async def reset(args: argparse.Namespace, service: Service) -> int:
    """``accounts reset``. The application's ``on_reset`` hook lives in the application: its password is reset by hand."""
    key, desk = key_of(args), service.account_desk
    if args.discard:
        refusal = await desk.discard(operator(args), key, ticket=args.ticket, reason=args.reason)
        return await _done(
            args,
            refusal,
            f"{key} begins anew, without a factor and without backup codes; a lock that the list shows stands",
        )
    refusal = await desk.reset(operator(args), key, ticket=args.ticket, reason=args.reason)
    return await _done(args, refusal, f"{key} has no factor any more; reset the password in your application as well")


async def ticket(args: argparse.Namespace, service: Service) -> int:
    """``accounts ticket``."""
    made = await service.account_desk.give_ticket(operator(args), key_of(args), reason=args.reason)
    if isinstance(made, Refusal):
        return tell_refusal(args, made)
    tell(args, {"ticket": made}, made)
    return DONE


async def ask_grant(args: argparse.Namespace, service: Service) -> int:
    """``accounts break-glass ask``."""
    key = key_of(args)
    refusal = await service.account_desk.break_glass.ask(
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
    key = key_of(args)
    refusal = await service.account_desk.break_glass.confirm(operator(args), key, ref=args.ref)
    if refusal is not None:
        return tell_refusal(args, refusal)
    account = await service.engine.store.load(key)
    ends_at = stamp(account.grant.ends_at) if account.grant else ""
    document = {"id": args.id, "tenant": args.tenant, "done": "confirm", "ends_at": ends_at}
    tell(args, document, f"{key} gets in without a second step until {ends_at}")
    return DONE


async def revoke_grant(args: argparse.Namespace, service: Service) -> int:
    """``accounts break-glass revoke``."""
    key = key_of(args)
    refusal = await service.account_desk.break_glass.revoke(operator(args), key, reason=args.reason)
    if refusal is not None:
        return tell_refusal(args, refusal)
    tell(
        args,
        {"id": args.id, "tenant": args.tenant, "done": "revoke"},
        f"there is no break-glass grant for {key} any more",
    )
    return DONE
