"""Make, list and revoke tokens for programs: ``mfa-gate tokens``."""

from __future__ import annotations

import argparse

from ..core.automation import Automation
from ..core.durations import seconds_of
from ..core.reasons import Refusal
from ..core.roles import RIGHTS
from ..errors import SettingsError
from ..service import Service
from ..web.responses import stamp
from .context import DONE, add_actor, add_parts, operator_name, running, tell
from .refusals import tell_refusal
from .terminal import one_line


def add_commands(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``tokens`` with its commands to the program's parser."""
    tokens = sub.add_parser("tokens", help="make, list and revoke tokens for programs at the administrators' JSON")
    commands = tokens.add_subparsers(dest="tokens_command", required=True, metavar="COMMAND")

    making = commands.add_parser("create", help="make a token; it is printed this once")
    making.add_argument("name", metavar="NAME", help="the program; the trail names it")
    making.add_argument(
        "--right", action="append", choices=RIGHTS, required=True, help="what it may do; several are fine"
    )
    making.add_argument("--everywhere", action="store_true", help="in every tenant, not only in its own")
    making.add_argument("--life", default="30d", metavar="DURATION", help='how long it is good, e.g. "90d" (30d)')
    listing = commands.add_parser("list", help="list the tokens of a tenant, without their secrets")
    ending = commands.add_parser("revoke", help="end a token at once")
    ending.add_argument("id", metavar="ID", help="its id or its name")
    for command, run in ((making, create), (listing, list_tokens), (ending, revoke)):
        add_parts(command)
        command.add_argument("--tenant", required=True)
        if command is not listing:
            add_actor(command)
        command.set_defaults(run=running(run))


async def create(args: argparse.Namespace, service: Service) -> int:
    """Run ``tokens create``."""
    try:
        life = seconds_of(args.life)
    except ValueError as error:
        raise SettingsError(f"--life: {error}") from error
    made = await service.automation.create(
        operator_name(args),
        args.tenant,
        name=args.name,
        rights=args.right,
        everywhere=args.everywhere,
        life=life,
        reason=args.reason,
    )
    if isinstance(made, Refusal):
        return tell_refusal(args, made)
    text, token = made
    tell(args, {"token": text, **_document(token)}, text)
    return DONE


async def list_tokens(args: argparse.Namespace, service: Service) -> int:
    """Run ``tokens list``."""
    found = await service.automation.tokens(args.tenant)
    tell(args, {"tokens": [_document(one) for one in found]}, "\n".join(map(_line, found)) or "there is none")
    return DONE


async def revoke(args: argparse.Namespace, service: Service) -> int:
    """Run ``tokens revoke``."""
    refusal = await service.automation.revoke(operator_name(args), args.tenant, id=args.id, reason=args.reason)
    if refusal is not None:
        return tell_refusal(args, refusal)
    tell(args, {"id": args.id, "tenant": args.tenant, "done": "revoke"}, f"the token {args.id} has ended")
    return DONE


def _document(token: Automation) -> dict[str, object]:
    return {
        "id": token.id,
        "name": token.name,
        "tenant": token.tenant,
        "rights": list(token.rights),
        "everywhere": token.everywhere,
        "created_at": stamp(token.created_at),
        "created_by": token.created_by,
        "expires_at": stamp(token.expires_at),
    }


def _line(token: Automation) -> str:
    scope = "every tenant" if token.everywhere else token.tenant
    return (
        f"{token.id}  {one_line(token.name):30} {', '.join(token.rights):30} {scope}  until {stamp(token.expires_at)}"
    )
