"""Run the tests of a policy file: ``policy test``."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from .factors import registry_of
from .policy_args import path_of, policy_of
from .policy_output import print_json

if TYPE_CHECKING:
    from ..policyfile.tools.coverage import Coverage
    from ..policyfile.tools.policy_tests import Trial

DONE, NO = 0, 1


def add_coverage(parser: argparse.ArgumentParser) -> None:
    """Add the options about coverage."""
    parser.add_argument("--coverage", action="store_true", help="also list what no test exercises")
    parser.add_argument(
        "--threshold",
        type=_percent,
        metavar="PERCENT",
        help="fail if tests exercise less than this share; lists it, too",
    )


def test_policy(args: argparse.Namespace) -> int:
    """Run ``policy test``.

    Returns 1 if a claim of a test does not hold, or if the coverage is below the threshold.
    """
    from ..policyfile.tools.coverage import coverage
    from ..policyfile.tools.findings import test_findings
    from ..policyfile.tools.policy_tests import run_tests

    policy = policy_of(args)
    trials = run_tests(policy, now=int(time.time()), factors=registry_of(args))
    failed = [trial for trial in trials if trial.faults]
    covered = coverage(policy, trials) if args.coverage or args.threshold is not None else None
    warnings = test_findings(policy)
    too_low = covered is not None and covered.percent < (args.threshold or 0)
    if args.json:
        print_json(
            {
                "ok": not failed and not too_low,
                "tests": [_told(trial) for trial in trials],
                "warnings": warnings,
                **_measured(covered),
            }
        )
        return NO if failed or too_low else DONE
    source = path_of(args).name
    for trial in trials:
        print(f"FAIL {trial.name} ({source}:{trial.line})" if trial.faults else f"ok   {trial.name}")
        for fault in trial.faults:
            print(f"       {fault}")
    for warning in warnings:
        print(warning.told(source))
    print(f"{len(trials) - len(failed)} of {len(trials)} tests hold")
    if covered is not None:
        _print(covered, args.threshold)
    return NO if failed or too_low else DONE


def _percent(text: str) -> int:
    """Read a share. Raises ``ValueError``, as argparse wants."""
    share = int(text.removesuffix("%"))
    if not 0 <= share <= 100:
        raise ValueError(text)
    return share


def _told(trial: Trial) -> dict[str, object]:
    return {"name": trial.name, "line": trial.line, "faults": trial.faults}


def _measured(covered: Coverage | None) -> dict[str, object]:
    return {} if covered is None else {"coverage": {"percent": covered.percent, "missed": covered.missed}}


def _print(covered: Coverage, threshold: int | None) -> None:
    for part in covered.missed:
        place = f"tenants.{part.tenant}: {part.path}" if part.tenant else part.path
        print(f"no test: {place}: {part.test}")
    wanted = f" ({threshold}% wanted)" if threshold is not None else ""
    exercised = len(covered.parts) - len(covered.missed)
    print(f"coverage: {covered.percent}%, {exercised} of {len(covered.parts)} parts{wanted}")
