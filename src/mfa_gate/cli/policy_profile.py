"""Compare a policy with a standard: ``policy check --profile``, and its evidence sheet."""

from __future__ import annotations

import argparse
import asyncio
import os
from typing import TYPE_CHECKING

from .application import WrongUse

if TYPE_CHECKING:
    from ..core.rules import Policy
    from ..policyfile.tools.profiles import Assessment
    from ..policyfile.tools.profiles.evidence import People, Sheet

PROFILES = ("nist-aal2", "asvs-l2", "hipaa", "pci-dss-4")
FORMS = ("markdown", "csv")


def add_profile(parser: argparse.ArgumentParser) -> None:
    """Add the profile, and the sheet about it."""
    parser.add_argument(
        "--profile", choices=PROFILES, help="also tell what departs from this standard, and what is met"
    )
    parser.add_argument(
        "--evidence",
        choices=FORMS,
        nargs="?",
        const="markdown",
        help="print a dated sheet for an auditor; with --store and --keys-file people are counted, too",
    )
    parser.add_argument("--store", metavar="URL", help="the store whose people are counted (MFA_GATE_STORE)")
    parser.add_argument("--keys-file", metavar="FILE", help="the keys of this store (MFA_GATE_KEYS_FILE)")


def print_assessment(profile: str, assessment: Assessment, source: str) -> None:
    """Print the departures, each with its line, then the clauses that are met."""
    for one in assessment.deviations:
        print(one.told(source, profile))
    for met in assessment.met:
        print(f"{profile}: met: {met.text} [{met.clause}]")


def print_evidence(args: argparse.Namespace, policy: Policy, assessment: Assessment, now: int) -> None:
    """Print the evidence sheet."""
    from ..policyfile.tools.profiles.evidence import as_csv, markdown

    sheet = _sheet_of(args, policy, assessment, now)
    print(as_csv(sheet) if args.evidence == "csv" else markdown(sheet), end="")


def evidence_of(args: argparse.Namespace, policy: Policy, assessment: Assessment, now: int) -> dict[str, object]:
    """Make the evidence for JSON: each table with its rows.

    It is empty if no sheet was asked for.
    """
    from ..policyfile.tools.profiles.evidence import tables_of

    if not args.evidence:
        return {}
    tables = tables_of(_sheet_of(args, policy, assessment, now))
    return {"evidence": {title: [dict(zip(heads, row, strict=True)) for row in rows] for title, heads, rows in tables}}


def _sheet_of(args: argparse.Namespace, policy: Policy, assessment: Assessment, now: int) -> Sheet:
    """Make the sheet. Raises ``SettingsError`` for a store that cannot be opened."""
    from ..policyfile.tools.profiles.evidence import Sheet

    return Sheet(profile=args.profile, policy=policy, assessment=assessment, now=now, people=_people(args, policy))


def need_profile(args: argparse.Namespace) -> None:
    """Refuse a sheet about no profile. Raises ``WrongUse``."""
    if args.evidence and not args.profile:
        raise WrongUse("--evidence is about a standard; name it with --profile")


def _people(args: argparse.Namespace, policy: Policy) -> dict[str, People] | None:
    """Count the people in the store; None if no store is named."""
    if not (args.store or os.environ.get("MFA_GATE_STORE")):
        return None
    from ..policyfile.tools.profiles.evidence import People
    from ..service.admin.factor_counts import factor_counts
    from .context import service_of

    args.loaded_policy = policy

    async def counted() -> dict[str, People]:
        async with service_of(args) as service:
            found = await factor_counts(service.engine, policy.tenants)
        return {
            tenant: People(resistant=one.resistant, other=one.other, without=one.without)
            for tenant, one in found.items()
        }

    return asyncio.run(counted())
