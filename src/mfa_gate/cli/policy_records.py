"""Offer the commands about policies that are or were in force: history, show, approve."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..web.responses import stamp
from .application import WrongUse
from .context import DONE, NO, add_actor, add_parts, given, operator, service_of, tell
from .policy_args import existing, moment
from .terminal import one_line

if TYPE_CHECKING:
    from ..core.reasons import Refusal
    from ..service.policy_approvals import Approval
    from ..service.policy_archive import Entry, PolicyArchive
    from ..storage import Store

T = TypeVar("T")
Command = Callable[[argparse.Namespace], int]


def add_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], guarded: Callable[[Command], Command]
) -> None:
    """Add the three commands to those of ``policy``.

    ``guarded`` turns wrong use into its exit code.
    """
    about = "list the policies that were in force, with what got looser"
    history = commands.add_parser("history", help=about, description=about)
    _add_store(history)
    history.add_argument("--at", type=day_or_moment, metavar="DATE", help="only those in force at this date or time")
    history.set_defaults(run=guarded(tell_history))

    about = "print the text of a policy that was in force or approved"
    show = commands.add_parser("show", help=about, description=about)
    _add_store(show)
    show.add_argument("digest", metavar="DIGEST", help="the beginning of its digest, at least six characters")
    show.add_argument("--files", type=Path, metavar="FOLDER", help="write the policy and the files that it names there")
    show.set_defaults(run=guarded(show_policy))

    about = "approve a policy that is looser, so that it may come into force"
    approve = commands.add_parser("approve", help=about, description=about)
    approve.add_argument("file", metavar="FILE", type=Path, help="the policy to approve; --policy is the one in force")
    add_parts(approve)
    add_actor(approve)
    approve.set_defaults(run=guarded(approve_policy))


def _add_store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", metavar="URL", help="the store (MFA_GATE_STORE)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def day_or_moment(text: str) -> int:
    """Read the second that ``text`` names; a day alone is its last second in UTC."""
    if len(text) == len("2027-12-31"):
        day = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return int(day.timestamp()) + 86_399
    return moment(text)


def tell_history(args: argparse.Namespace) -> int:
    """Run ``policy history``. Returns 1 if none was in force then."""
    from ..web.policy_json import entry_json

    async def read(archive: PolicyArchive) -> tuple[Entry, ...]:
        return await archive.history() if args.at is None else await archive.in_force_at(args.at)

    found = asyncio.run(_reading(args, read))
    lines = [line for entry in found for line in _lines(entry)]
    tell(args, {"policies": [entry_json(entry) for entry in found]}, "\n".join(lines) or "no policy was in force then")
    return DONE if found else NO


def _lines(entry: Entry) -> list[str]:
    some = f"{entry.differences} difference{'' if entry.differences == 1 else 's'}"
    count = "" if entry.differences < 0 else f", {some}, {len(entry.looser)} looser"
    app = f" {one_line(entry.app)}:" if entry.app else ""
    head = f"{stamp(entry.at)}{app} {one_line(entry.name)} {entry.digest[:12]} ({entry.by}{count})"
    return [head, *(f"    looser: {one_line(change)}" for change in entry.looser)]


def show_policy(args: argparse.Namespace) -> int:
    """Run ``policy show``: print the text of a policy, and write its files where asked."""

    async def read(archive: PolicyArchive) -> tuple[str, str, dict[str, bytes]]:
        digest = await archive.find(args.digest)
        kept = await archive.text_of(digest)
        if kept is None:
            raise ValueError(f"the text of {digest[:12]} is not kept")
        return digest, kept.text, dict(kept.files)

    try:
        digest, text, files = asyncio.run(_reading(args, read))
    except ValueError as error:
        raise WrongUse(str(error)) from None
    if args.files is not None:
        _write(args.files, {"policy.toml": text.encode(), **files})
    tell(args, {"digest": digest, "policy": text, "files": sorted(files)}, text.rstrip("\n"))
    return DONE


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files of a policy below a folder.

    Raises ``WrongUse`` for a name that leads out of it.
    """
    for name, content in files.items():
        place = folder / name
        if not place.resolve().is_relative_to(folder.resolve()):
            raise WrongUse(f"{name}: lies outside of the policy's folder")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def approve_policy(args: argparse.Namespace) -> int:
    """Run ``policy approve``. Returns 1 for a person who has approved it before."""
    from ..core.reasons import Refusal
    from ..policyfile import load_policy
    from ..web.policy_json import approval_json
    from .factors import registry_of
    from .refusals import text_of

    policy = args.loaded_policy = load_policy(existing(args.file), factors=registry_of(args))

    async def work() -> tuple[Approval, ...] | Refusal:
        async with service_of(args) as service:
            return await service.policy_desk.approve(operator(args), policy, args.reason)

    found = asyncio.run(work())
    if isinstance(found, Refusal):
        words = text_of(found)
        tell(args, {"ok": False, "reason": found.reason, "detail": words}, f"not done: {words}")
        return NO
    text = f"{policy.name} ({policy.digest[:12]}) is approved by {', '.join(one.by for one in found)}"
    tell(args, {"ok": True, "digest": policy.digest, "approvals": [approval_json(one) for one in found]}, text)
    return DONE


async def _reading(args: argparse.Namespace, read: Callable[[PolicyArchive], Awaitable[T]]) -> T:
    """Open the store, read, and close it.

    Neither keys nor a policy are needed: a policy holds no secret.
    """
    from ..service.policy_archive import PolicyArchive
    from ..stores import store_from_url

    store: Store = store_from_url(given(args, "store", "MFA_GATE_STORE"))
    try:
        await store.open(make=False)
        return await read(PolicyArchive(store))
    finally:
        await store.aclose()
