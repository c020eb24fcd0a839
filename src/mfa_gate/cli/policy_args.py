"""What the policy commands are told: the file, the situation, the app."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .factors import registry_of

if TYPE_CHECKING:
    from ..core.rules import Policy
    from ..policyfile.scenario import Given

ENVIRONMENT = "MFA_GATE_POLICY"


class WrongUse(Exception):
    """The command was called in a way that means nothing; the text says what would."""


def add_file(parser: argparse.ArgumentParser) -> None:
    """The policy FILE, which ``--policy`` and the environment can stand in for."""
    parser.add_argument("file", metavar="FILE", type=Path, nargs="?", help=f"default: --policy, then ${ENVIRONMENT}")
    parser.add_argument("--policy", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def add_scenario(parser: argparse.ArgumentParser) -> None:
    """The situation that ``policy explain`` judges."""
    parser.add_argument("--tenant", default="default")
    parser.add_argument(
        "--groups", "--role", type=words, default=(), metavar="A,B", help="the host's groups of the person"
    )
    parser.add_argument("--enrolled", type=words, default=(), metavar="KIND,…", help="the factors the person has")
    parser.add_argument("--verified", metavar="AGE", help='age of the proof, like "6d"; absent: nothing was proven')
    parser.add_argument("--proof-factor", default="", metavar="KIND", help="what the proof was made with")
    parser.add_argument("--ip", choices=("same", "other", "trusted"), default="same")
    parser.add_argument("--ip-changed", action="store_const", const="other", dest="ip", help="the same as --ip other")
    parser.add_argument("--request", default="GET /", metavar='"POST /x"')
    parser.add_argument("--skipped", action="store_true", help="enrollment was skipped in this session")
    parser.add_argument("--locked", action="store_true", help="the attempts are used up")
    parser.add_argument("--agreed", action="store_true", help="the agreement was accepted")
    parser.add_argument("--not-enabled", action="store_true", help="the tenant's administrator did not turn it on")
    parser.add_argument("--at", type=moment, metavar="TIME", help="RFC 3339; default: now")
    parser.add_argument("--verbose", action="store_true", help="print the decision itself")


def given_by(args: argparse.Namespace, policy: Policy) -> Given:
    """The situation that the arguments describe. Raises ``WrongUse``."""
    from ..core.durations import parse_duration
    from ..policyfile.scenario import Given

    age = None
    if args.verified is not None:
        age = parse_duration(args.verified)
        if age is None:
            raise WrongUse(f'--verified {args.verified!r} is not a duration; write it like "6d" or "12h"')
    enrolled = args.enrolled
    if not enrolled and args.proof_factor:
        enrolled = (args.proof_factor,)
    if not enrolled and age is not None:
        # Whoever proved something has something: the first that the policy offers.
        factors = policy.rules_for(args.tenant).factors
        known = registry_of(args)
        enrolled = tuple(kind for kind in factors.order if kind in factors.allowed and kind in known)[:1]
    return Given(
        tenant=args.tenant,
        groups=tuple(args.groups),
        enrolled=tuple(enrolled),
        proof_age=age,
        proof_factor=args.proof_factor,
        ip=args.ip,
        request=args.request,
        locked=args.locked,
        skipped=args.skipped,
        agreed=args.agreed,
        at=args.at,
        enabled=not args.not_enabled,
    )


def path_of(args: argparse.Namespace) -> Path:
    """The policy file that was named: the argument, ``--policy``, the environment. Raises ``WrongUse``."""
    named = args.file or getattr(args, "policy", None) or os.environ.get(ENVIRONMENT)
    if not named:
        raise WrongUse(f"which policy? name a FILE, or set --policy or ${ENVIRONMENT}")
    return existing(Path(named))


def existing(path: Path) -> Path:
    """``path`` if there is such a file. Raises ``WrongUse``."""
    if not path.is_file():
        raise WrongUse(f"{path}: there is no such file")
    return path


def policy_of(args: argparse.Namespace) -> Policy:
    """The policy in the file that was named. Raises ``WrongUse``, or ``SettingsError`` with its faults."""
    from ..policyfile import load_policy

    return load_policy(path_of(args), factors=registry_of(args))


def app_of(name: str) -> Any:
    """The app that ``module:attribute`` names, called where it is a factory. Raises ``WrongUse``."""
    import importlib
    import inspect

    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise WrongUse(f'--app {name!r}: write it like "shop.main:app"')
    sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise WrongUse(f"--app {name}: {error}") from None
    finally:
        sys.path.pop(0)
    return found() if inspect.isfunction(found) and not inspect.signature(found).parameters else found


def words(text: str) -> tuple[str, ...]:
    """The words between commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def moment(text: str) -> int:
    """The second that ``text`` (RFC 3339; without an offset: UTC) names. Raises ``ValueError``, as argparse wants."""
    found = datetime.fromisoformat(text)
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
