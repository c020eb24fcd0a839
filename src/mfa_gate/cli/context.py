"""Read what commands on a store need: the store, the keys, the policy, and the actor."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from ..core.model import Subject, SubjectKey
from ..core.rules import Policy
from ..core.text_safety import MAX_REASON, stated
from ..errors import SettingsError
from ..factors import Registry
from ..keyring import KeyFault, Keyring
from ..ports import DirectoryOf, RelyingParty, Senders
from ..service import Actor, Service, Wiring
from ..service.hook_places import COMMANDS
from ..stores import store_from_url
from ..system_clock import SystemClock
from .application import WrongUse
from .factors import add_app, gate_for, registry_of
from .terminal import json_text, plain_lines

DONE, NO, WRONG_USE = 0, 1, 2


def add_parts(parser: argparse.ArgumentParser) -> None:
    """Add ``--store``, ``--keys-file``, ``--policy`` and ``--json``."""
    parser.add_argument("--store", metavar="URL", help="the store (MFA_GATE_STORE)")
    parser.add_argument(
        "--keys-file", metavar="FILE", help="a file with one key a line, newest first (MFA_GATE_KEYS_FILE)"
    )
    parser.add_argument("--policy", metavar="FILE", help="the policy file (MFA_GATE_POLICY)")
    add_app(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_actor(parser: argparse.ArgumentParser, *, reason: bool = True) -> None:
    """Add ``--actor`` and ``--reason``, for commands that change an account."""
    parser.add_argument("--actor", required=True, metavar="NAME", help="who does this; it is written down")
    if reason:
        parser.add_argument("--reason", required=True, metavar="TEXT", help="why; it is written down")


def given(args: argparse.Namespace, name: str, variable: str) -> str:
    """Return an option, or its environment variable.

    Raises ``SettingsError`` if both are missing.
    """
    value = getattr(args, name, None) or os.environ.get(variable, "")
    if not value:
        option = "--" + name.replace("_", "-")
        raise SettingsError(f"{option} is missing: give it, or set {variable}")
    return str(value)


def read_keys(path: str) -> list[str]:
    """Read the keys of a file, one a line, newest first; skip blank lines and lines with #.

    A file that every user of this machine may read or change is named on standard error.
    """
    try:
        mode = os.stat(path).st_mode
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"--keys-file {path}: cannot be read ({error})") from error
    if stat.S_ISREG(mode) and mode & (stat.S_IROTH | stat.S_IWOTH):
        may = "change" if mode & stat.S_IWOTH else "read"
        print(
            f"warning: --keys-file {path}: every user of this machine may {may} the keys (mode {mode & 0o777:o}): chmod 600",
            file=sys.stderr,
        )
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def keyring_of(args: argparse.Namespace) -> Keyring:
    """Make the keyring of the command, once: the file is read, and warned of, once."""
    if not hasattr(args, "keyring"):
        try:
            args.keyring = Keyring(read_keys(given(args, "keys_file", "MFA_GATE_KEYS_FILE")))
        except KeyFault as error:
            raise SettingsError(f"--keys-file: {error}") from error
    return args.keyring  # type: ignore[no-any-return]


def policy_of(args: argparse.Namespace) -> Policy:
    """Load the policy of the command, once."""
    from ..policyfile import load_policy

    if not hasattr(args, "loaded_policy"):
        args.loaded_policy = load_policy(given(args, "policy", "MFA_GATE_POLICY"), factors=_factors(args))
    return args.loaded_policy  # type: ignore[no-any-return]


def _factors(args: argparse.Namespace) -> Registry:
    try:
        return registry_of(args)
    except WrongUse as error:
        raise SettingsError(str(error)) from None


def _directory(args: argparse.Namespace) -> DirectoryOf | None:
    """Take the directory of the gate around the app of ``--app``, if there is one."""
    gate = gate_for(args)
    return gate.service.engine.wiring.directory if gate is not None else None


@asynccontextmanager
async def service_of(args: argparse.Namespace, *, makes: bool = False) -> AsyncIterator[Service]:
    """Open the service over the store, check its keys, and close it afterwards.

    It sends nothing, but for a command with ``--mail``. ``makes``: the command may begin a new store; else ``StoreMissing`` is
    raised where there is none.
    """
    policy = policy_of(args)
    _require_tenant(args)
    wiring = Wiring(
        store=store_from_url(given(args, "store", "MFA_GATE_STORE")),
        keyring=keyring_of(args),
        clock=SystemClock(),
        entropy=secrets.token_bytes,
        senders=Senders(),
        relying_party=RelyingParty(id="localhost", name=policy.name),
        app=COMMANDS,
        factors=_factors(args),
        directory=_directory(args),
    )
    if getattr(args, "mail", False):
        wiring = _mailing(args, wiring)
    service = Service(wiring, policy)
    try:
        fault = await service.open(make=makes)
        if fault:
            raise SettingsError(fault)
        yield service
    finally:
        await service.aclose()


def _mailing(args: argparse.Namespace, wiring: Wiring) -> Wiring:
    """Add the mail sender of the app's gate, its addresses and its words.

    Raises ``SettingsError``.
    """
    gate = gate_for(args)
    if gate is None:
        raise SettingsError("--mail needs --app module:attribute: the app knows the addresses, and has the sender")
    theirs = gate.service.engine.wiring
    return replace(
        wiring,
        senders=Senders(email=theirs.senders.email),
        contacts=theirs.contacts,
        relying_party=theirs.relying_party,
        words=theirs.words,
        letter_form=theirs.letter_form,
        origin=theirs.origin,
        prefix=theirs.prefix,
        root=theirs.root,
    )


def operator(args: argparse.Namespace) -> Actor:
    """Return the actor who has the store and the keys at hand; every event names it."""
    return Actor(name=operator_name(args))


def operator_name(args: argparse.Namespace, *, optional: bool = False) -> str:
    """Write the operator as the trail does.

    Raises ``SettingsError`` for a name or reason that cannot be kept.
    """
    actor, reason = args.actor, getattr(args, "reason", "")
    if not optional and not actor.strip():
        raise SettingsError("--actor: is empty; name the person who does this, e.g. --actor ann")
    for option, text in (("--actor", actor), ("--reason", reason)):
        if text.strip() and not stated(text):
            raise SettingsError(f"{option}: must be one line of at most {MAX_REASON} visible characters")
    return f"operator:{stated(actor)}" if actor.strip() else "operator"


def key_of(args: argparse.Namespace) -> SubjectKey:
    """Read the person whom a command names.

    Raises ``SettingsError`` for an id that no subject can have.
    """
    try:
        return Subject(args.id, args.tenant).key
    except ValueError as error:
        raise SettingsError(f"ID and --tenant: {error}") from error


def _require_tenant(args: argparse.Namespace) -> None:
    tenant = getattr(args, "tenant", "")
    try:
        Subject("anybody", tenant or "default")
    except ValueError as error:
        raise SettingsError(f"--tenant: {error}") from error


def running(
    work: Callable[[argparse.Namespace, Service], Awaitable[int]], *, makes: bool = False
) -> Callable[[argparse.Namespace], int]:
    """Make a command of a coroutine over an open service.

    ``makes``: the command may begin a new store.
    """

    def run(args: argparse.Namespace) -> int:
        async def inside() -> int:
            async with service_of(args, makes=makes) as service:
                return await work(args, service)

        return asyncio.run(inside())

    return run


def tell(args: argparse.Namespace, document: object, text: str) -> None:
    """Print the result, as JSON if asked for."""
    print(json_text(document) if args.json else plain_lines(text))
