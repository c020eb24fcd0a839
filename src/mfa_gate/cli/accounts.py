"""The commands about people: list, show, the acts of the table, export, import."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import Any

from ..core.break_glass import DEFAULT_HOURS
from ..core.reasons import Refusal
from ..errors import SettingsError
from ..service import Actor, Service
from ..service.admin.actions import ACTIONS, Action
from ..service.admin.documents import AccountDocument, GrantLine
from ..service.admin.reviews import MAX_PAGE
from ..web.api.admin import data_json, ticket_json
from ..web.responses import stamp
from . import bulk
from .accounts_list import add_filters, list_accounts
from .context import DONE, NO, add_actor, add_parts, key_of, operator, running, tell
from .refusals import tell_refusal
from .terminal import json_text, one_line
from .transfer import export_import

READER = Actor(name="operator")
"""The operator, for commands that change nothing and so name nobody."""


def add_commands(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``accounts`` with its commands to the program's parser."""
    accounts = sub.add_parser(
        "accounts", help="look at people, unlock, lock and reset them, move them to another store"
    )
    commands = accounts.add_subparsers(dest="accounts_command", required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="list a tenant's people")
    add_parts(listing)
    listing.add_argument("--tenant", required=True)
    add_filters(listing)
    listing.set_defaults(run=running(list_accounts))

    showing = commands.add_parser("show", help="show one person, without anything secret")
    add_parts(showing)
    showing.add_argument("id", metavar="ID")
    showing.add_argument("--tenant", required=True)
    showing.set_defaults(run=running(show))

    telling = commands.add_parser("data", help="print all that is known of one person, as JSON")
    add_parts(telling)
    telling.add_argument("id", metavar="ID")
    telling.add_argument("--tenant", required=True)
    telling.set_defaults(run=running(person_data))

    missing = commands.add_parser("leavers", help="list people who have an account here and are in no list of yours")
    add_parts(missing)
    missing.add_argument("--tenant", required=True)
    missing.add_argument(
        "--known", required=True, metavar="FILE", help='the ids that there are, one a line, "-" for the input'
    )
    missing.set_defaults(run=running(leavers))

    for action in ACTIONS.values():
        if len(action.command) == 1:
            _add_act(commands, action)
    grant = commands.add_parser(
        "break-glass", help="let somebody in for hours who cannot confirm now: two people, ask and confirm"
    )
    steps = grant.add_subparsers(dest="break_glass_command", required=True, metavar="COMMAND")
    for action in ACTIONS.values():
        if action.command[0] == "break-glass":
            _add_act(steps, action)

    export_import.add_commands(commands)


def _add_act(commands: argparse._SubParsersAction[argparse.ArgumentParser], action: Action) -> None:
    """Add the command of a row, with an option for each of its fields."""
    command = commands.add_parser(action.command[-1], help=action.help)
    add_parts(command)
    whole = action.name == "end-sessions"
    command.add_argument("id", metavar="ID", nargs="?")
    bulk.add_options(command)
    if whole:
        command.add_argument("--all", action="store_true", help="of everybody in the tenant, by one write")
    command.add_argument("--tenant", required=True)
    add_actor(command, reason="reason" in action.fields)
    if "reason" not in action.fields:
        command.add_argument(
            "--reason", default="", metavar="TEXT", help="why; else the reason of the request is written down"
        )
    if "ticket" in action.fields:
        command.add_argument("--ticket", required=True, metavar="NUMBER", help="the ticket this is done under")
    if "hours" in action.fields:
        command.add_argument("--hours", type=int, default=DEFAULT_HOURS, help="how long, under 12 (4)")
    for part in ("authenticator", "browser"):
        if part in action.fields:
            command.add_argument(f"--{part}", required=True, metavar="PART", help="its id, as accounts show prints it")
    if "mail" in action.fields:
        command.add_argument(
            "--mail", action="store_true", help="mail it to the person's address, which the app of --app knows"
        )
    if action.unknown and not action.erases:
        command.add_argument("--new-tenant", action="store_true", help="the tenant is new: nobody was ever there")
    if "ref" in action.fields:
        command.add_argument("--ref", default="", help="the reference of the request: without it nothing is confirmed")
    if action.name == "reset":
        command.add_argument(
            "--discard", action="store_true", help="begin an account anew whose record cannot be read any more"
        )
        command.set_defaults(run=running(reset))
    elif whole:
        command.set_defaults(run=running(end_sessions))
    else:
        command.set_defaults(run=running(partial(act, action=action)))


def _json(account: AccountDocument) -> dict[str, object]:
    summary, lock = account.summary, account.lock
    return {
        "id": summary.key.id,
        "tenant": summary.key.tenant,
        "name": summary.name,
        "status": summary.status,
        "factors": list(summary.factors),
        "locked": {"at": stamp(lock.at), "cause": lock.cause, "ref": lock.ref} if lock else None,
        "attempts_used": account.attempts_used,
        "browsers": len(account.browsers),
        "authenticators": [{"id": a.id, "factor": a.factor, "label": a.label} for a in account.authenticators],
        "remembered": [{"id": b.id, "label": b.label} for b in account.browsers],
        "holds_rights": account.holds_rights,
        "asked": {"act": account.asked.act, "ref": account.asked.ref, "asked_by": account.asked.asked_by}
        if account.asked
        else None,
        "recovery": account.recovery.about if account.recovery else None,
        "recovery_opens_at": stamp(account.recovery.opens_at)
        if account.recovery and account.recovery.opens_at
        else None,
        "break_glass": _grant_json(account.grant) if account.grant else None,
    }


def _grant_json(grant: GrantLine) -> dict[str, object]:
    return {
        "ref": grant.ref,
        "asked_by": grant.asked_by,
        "asked_at": stamp(grant.asked_at),
        "confirmed_by": grant.confirmed_by or None,
        "ends_at": stamp(grant.ends_at) if grant.ends_at else None,
    }


async def show(args: argparse.Namespace, service: Service) -> int:
    """Run ``accounts show``."""
    account = await service.account_desk.account(READER, key_of(args))
    if isinstance(account, Refusal):
        return tell_refusal(args, account)
    document = _json(account)
    tell(args, document, "\n".join(f"{name:14} {one_line(value)}" for name, value in document.items()))
    return DONE


async def person_data(args: argparse.Namespace, service: Service) -> int:
    """Run ``accounts data``."""
    found = await service.person_desk.data(READER, key_of(args))
    if isinstance(found, Refusal):
        return tell_refusal(args, found)
    document = data_json(found)
    tell(args, document, json_text(document))
    return DONE


async def leavers(args: argparse.Namespace, service: Service) -> int:
    """Run ``accounts leavers``: print one id a line, as ``--ids`` takes it.

    Raises ``SettingsError`` for an empty list: it would say that everybody has left.
    """
    known = frozenset(bulk.read_ids(args.known))
    if not known:
        raise SettingsError("--known: the list is empty, and everybody would count as gone")
    after, found = "", list[str]()
    while True:
        page = await service.person_desk.leavers(READER, args.tenant, known=known, after=after, limit=MAX_PAGE)
        if isinstance(page, Refusal):
            return tell_refusal(args, page)
        found += [row.key.id for row in page.rows]
        after = page.next
        if not after:
            break
    tell(args, {"ids": found}, "\n".join(map(one_line, found)))
    return DONE


async def act(args: argparse.Namespace, service: Service, *, action: Action) -> int:
    """Run the command of a row: do the act, and print the line of the row."""
    given: dict[str, Any] = {name: getattr(args, name) for name in {*action.fields, "reason"}}
    if action.unknown:
        given["new_tenant"] = getattr(args, "new_tenant", False)
    if bool(args.id) == bool(args.ids):
        raise SettingsError("name one ID, or --ids FILE")
    if args.ids:
        return await bulk.act_on_all(args, service, action=action, given=given)
    if args.dry_run or args.results:
        raise SettingsError("--dry-run and --results go with --ids")
    key = key_of(args)
    done = await service.account_desk.act(operator(args), action.name, key, **given)
    if isinstance(done, Refusal):
        return tell_refusal(args, done)
    grant = done.account.grant if done.account else None
    ends_at = stamp(grant.ends_at) if grant and grant.ends_at else ""
    words = {"key": str(key), "ticket": done.ticket, "ref": grant.ref if grant else "", "ends_at": ends_at}
    told: dict[str, str] = {name: words[name] for name in action.tells}
    document = {"id": args.id, "tenant": args.tenant, "done": action.command[-1], **told}
    if done.ticket_ends_at:
        if done.is_new:
            print(f"nobody with the id {one_line(args.id)} was ever here: {bulk.FIRST}", file=sys.stderr)
        if done.not_sent:
            print(f"the code {bulk.NOT_MAILED} ({done.not_sent}): hand it over yourself", file=sys.stderr)
        tell(args, ticket_json(done), action.done.format(**words) if done.ticket else f"mailed to {done.mailed_to}")
        return DONE
    if action.erases:
        document["pseudonym"] = done.pseudonym
        if not done.pseudonym:
            tell(args, {**document, "done": ""}, f"nothing is known of {key}")
            return NO
        bulk.tell_of_the_file(service)
    tell(args, document, action.done.format(**words))
    return DONE


async def end_sessions(args: argparse.Namespace, service: Service) -> int:
    """Run ``accounts end-sessions``: of one person, or with ``--all`` of a tenant.

    Raises ``SettingsError`` where neither or both are named.
    """
    if args.all and (args.id or args.ids):
        raise SettingsError("--all is everybody in the tenant: leave ID and --ids out")
    if not args.all:
        return await act(args, service, action=ACTIONS["end-sessions"])
    refusal = await service.tenant_desk.end_proofs(operator(args), args.tenant, reason=args.reason, confirm=args.tenant)
    if refusal is not None:
        return tell_refusal(args, refusal)
    tell(args, {"tenant": args.tenant, "done": "end-sessions"}, f"every proof in {args.tenant} has ended")
    return DONE


async def reset(args: argparse.Namespace, service: Service) -> int:
    """Run ``accounts reset``.

    The application's ``on_reset`` hook lives in the application: its password is reset by hand.
    """
    if args.discard and not args.id:
        raise SettingsError("--discard is for one ID")
    if not args.discard:
        return await act(args, service, action=ACTIONS["reset"])
    key = key_of(args)
    refusal = await service.account_desk.discard(operator(args), key, ticket=args.ticket, reason=args.reason)
    if refusal is not None:
        return tell_refusal(args, refusal)
    text = f"{key} begins anew, without a factor and without backup codes; a lock that the list shows stands"
    tell(args, {"id": args.id, "tenant": args.tenant, "done": "reset"}, text)
    return DONE
