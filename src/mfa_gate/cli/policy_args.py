"""Read the arguments of the policy commands: the file and the situation."""

from __future__ import annotations

import argparse
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .application import WrongUse
from .factors import registry_of

if TYPE_CHECKING:
    from ..core.rules import Policy
    from ..policyfile.scenario import Given

ENVIRONMENT = "MFA_GATE_POLICY"


def add_file(parser: argparse.ArgumentParser) -> None:
    """Add the policy FILE; ``--policy`` and the environment can stand in for it."""
    parser.add_argument("file", metavar="FILE", type=Path, nargs="?", help=f"default: --policy, then ${ENVIRONMENT}")
    parser.add_argument("--policy", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def add_scenario(parser: argparse.ArgumentParser) -> None:
    """Add the situation that ``policy explain`` judges."""
    parser.add_argument("--tenant", default="default")
    parser.add_argument(
        "--groups", "--role", type=words, default=(), metavar="A,B", help="the host's groups of the person"
    )
    parser.add_argument("--enrolled", type=words, default=(), metavar="KIND,…", help="the factors the person has")
    parser.add_argument("--verified", metavar="AGE", help='age of the proof, like "6d"; absent: nothing was proven')
    parser.add_argument("--proof-factor", default="", metavar="KIND", help="the factor of the proof")
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
    """Read the situation that the arguments describe. Raises ``WrongUse``."""
    from ..core.durations import parse_duration
    from ..policyfile.scenario import Given

    age = None
    if args.verified is not None:
        age = parse_duration(args.verified)
        if age is None:
            raise WrongUse(f'--verified {args.verified!r} is not a duration; write it like "6d" or "12h"')
    enrolled, known = args.enrolled, registry_of(args)
    for option, kinds in (("--enrolled", enrolled), ("--proof-factor", words(args.proof_factor))):
        for kind in kinds:
            if kind not in known:
                raise WrongUse(f'{option}: there is no factor "{kind}"; there are {", ".join(known)}')
    if not enrolled and args.proof_factor:
        enrolled = (args.proof_factor,)
    if not enrolled and age is not None:
        # A proof needs a factor: take the first one that the policy offers.
        factors = policy.rules_for(args.tenant).factors
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
    """Find the policy file: the argument, ``--policy``, or the environment.

    Raises ``WrongUse``.
    """
    named = args.file or getattr(args, "policy", None) or os.environ.get(ENVIRONMENT)
    if not named:
        raise WrongUse(f"which policy? name a FILE, or set --policy or ${ENVIRONMENT}")
    return existing(Path(named))


def existing(path: Path) -> Path:
    """Return ``path`` if there is such a file, or a pipe. Raises ``WrongUse``."""
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        raise WrongUse(f"{path}: there is no such file") from None
    except OSError as error:
        raise WrongUse(f"{path}: {(error.strerror or str(error)).lower()}") from None
    if is_folder:
        raise WrongUse(f"{path}: it is a folder; name the file in it")
    return path


def policy_of(args: argparse.Namespace) -> Policy:
    """Load the policy that was named.

    Raises ``WrongUse``, or ``SettingsError`` with the faults of the policy.
    """
    from ..policyfile import load_policy

    return load_policy(path_of(args), factors=registry_of(args))


def words(text: str) -> tuple[str, ...]:
    """Split words at commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def moment(text: str) -> int:
    """Read the second that ``text`` (RFC 3339; without an offset: UTC) names.

    Raises ``ValueError``, as argparse wants.
    """
    found = datetime.fromisoformat(text)
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
