"""Offer the commands about the policy file."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import SettingsError
from .application import WrongUse, app_for
from .factors import add_app, registry_of
from .policy_args import add_file, add_scenario, given_by, path_of, policy_of, words
from .policy_compare import add_allowance, add_two_files, diff_policies, equal_policies
from .policy_output import counted, offered, print_json, print_table, tell_faults
from .policy_profile import add_profile, evidence_of, need_profile, print_assessment, print_evidence
from .policy_test import add_coverage, test_policy

if TYPE_CHECKING:
    from ..core.policy import Demand

DONE, NO, WRONG_USE = 0, 1, 2


def add_commands(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``policy`` with its commands to the program's parser.

    Each sets ``run``, a function from the parsed arguments to the exit code: 0 done, 1 the answer is no, 2 wrong use.
    """
    policy = sub.add_parser("policy", help="check, explain and compare policy files")
    commands = policy.add_subparsers(dest="policy_command", required=True, metavar="COMMAND")

    check = _command(commands, "check", check_policy, "read a policy and tell every fault and every weak spot")
    add_file(check)
    add_app(check)
    check.add_argument("--strict", action="store_true", help="warnings and departures fail, too")
    add_profile(check)

    explain = _command(commands, "explain", explain_policy, "tell the decision on one request, and the reason")
    add_file(explain)
    add_app(explain, help="the app, or its factory: the factors of its gate and the demands of its endpoint count")
    add_scenario(explain)

    test = _command(commands, "test", test_policy, "run the [[tests]] of a policy")
    add_file(test)
    add_app(test)
    add_coverage(test)

    diff = _command(commands, "diff", diff_policies, "list the changes by their meaning, each as stricter or looser")
    add_app(diff)
    add_two_files(diff)
    add_allowance(diff)

    equal = _command(commands, "equal", equal_policies, "tell if two policies decide every request alike")
    add_app(equal)
    add_two_files(equal)

    impact = _command(commands, "impact", impact_of_policy, "judge past events under a policy")
    add_file(impact)
    add_app(impact)
    impact.add_argument(
        "--events", required=True, metavar="FILE", help="the audit trail, one JSON object a line; - is stdin"
    )

    routes = _command(commands, "routes", routes_under_policy, "list an app's routes with the demand on each")
    add_file(routes)
    routes.add_argument(
        "--app", required=True, metavar="MODULE:NAME", help="a Starlette or FastAPI app, or its factory"
    )
    routes.add_argument("--tenant", default="default")
    routes.add_argument("--groups", type=words, default=(), metavar="A,B")

    add_app(_command(commands, "schema", print_schema, "print the JSON Schema of policy files"))
    keys = _command(
        commands, "keys", print_keys, "print every key of policy files with its values, default and meaning"
    )
    add_app(keys)


def check_policy(args: argparse.Namespace) -> int:
    """Run ``policy check``. Returns 1 for a fault.

    With ``--strict`` it returns 1 for a warning or a departure, too.
    """
    from ..policyfile import examine, findings
    from ..policyfile.loading import read_text
    from ..policyfile.tools.idle_rules import idle_rules
    from ..policyfile.tools.profiles import Assessment, compare_with

    need_profile(args)
    path = path_of(args)
    examined = examine(read_text(path), base=path.parent, factors=registry_of(args))
    if examined.policy is None:
        tell_faults(args, path, examined.faults)
        return NO
    now = int(time.time())
    found = findings(examined.policy, now=now, factors=registry_of(args))
    told = {finding.path for finding in found}
    idle = [rule for rule in idle_rules(examined.policy, now=now, factors=registry_of(args)) if rule.path not in told]
    assessed = Assessment(deviations=(), met=())
    if args.profile:
        assessed = compare_with(examined.policy, args.profile, now=now, factors=registry_of(args))
    warnings = [finding for finding in found if finding.severity == "warning"]
    refused = args.strict and bool(warnings or idle or assessed.deviations)
    if args.json:
        print_json(
            {
                "ok": not refused,
                "name": examined.policy.name,
                "digest": examined.policy.digest,
                "faults": [],
                "findings": found,
                "idle_rules": [rule.path for rule in idle],
                "profile": args.profile,
                "deviations": assessed.deviations,
                "met": assessed.met,
                **evidence_of(args, examined.policy, assessed, now),
            }
        )
    elif args.evidence:
        print_evidence(args, examined.policy, assessed, now)
    else:
        for finding in found:
            print(f"{finding.severity}: {finding.path}: {finding.text}")
        for rule in idle:
            print(f"warning: {rule.path}: no request is decided differently without it; take it out, or mend it")
        print_assessment(args.profile, assessed)
        remarks = counted([*warnings, *idle], assessed.deviations, args.profile)
        print(f'{path.name}: policy "{examined.policy.name}" is valid ({remarks})')
    return NO if refused else DONE


def explain_policy(args: argparse.Namespace) -> int:
    """Run ``policy explain``: one made-up request, with the part of every rule in it."""
    from ..policyfile.scenario import factors_of, judge, reason_of
    from ..policyfile.tools.explain import rows, seen_by_user, told_decision

    policy = policy_of(args)
    given = given_by(args, policy)
    try:
        endpoint = _demands_at(args, given.request) if args.app else ()
        outcome = judge(policy, given, registry_of(args).traits, now=int(time.time()), endpoint=endpoint)
    except ValueError as error:
        raise WrongUse(str(error)) from None
    decision = outcome.decision
    table = rows(outcome)
    if args.json:
        print_json(
            {
                "given": given,
                "decision": {"kind": type(decision).__name__, **dataclasses.asdict(decision)},
                "state": told_decision(outcome).partition(" ")[0],
                "reason": reason_of(decision),
                "factors": factors_of(outcome),
                "rules": table,
                "user_sees": seen_by_user(outcome),
            }
        )
        return DONE
    head = ("stage", "rule", "verdict", "")
    print_table([head, *((r.stage, r.rule, r.verdict + (" *" if r.won else ""), r.note) for r in table)])
    print()
    print(f"decision:  {told_decision(outcome)}")
    print(f"rule:      {decision.why.rule}" + (f", missing: {decision.why.missing}" if decision.why.missing else ""))
    print(f"{decision!r}" if args.verbose else f"user sees: {seen_by_user(outcome)}{offered(outcome)}")
    return DONE


def _demands_at(args: argparse.Namespace, request: str) -> tuple[Demand, ...]:
    """Find the demands of the app's endpoint that answers ``request``.

    Raises ``ValueError`` for an app without routes.
    """
    from ..policyfile.tools.routes import leaf_for, leaves_of

    method, _, path = request.partition(" ")
    leaf = leaf_for(leaves_of(app_for(args)), method, path)
    return leaf.demands if leaf else ()


def impact_of_policy(args: argparse.Namespace) -> int:
    """Run ``policy impact``: judge past events under a policy, counted by outcome."""
    from ..policyfile.tools.impact import replay

    policy = policy_of(args)
    try:
        if args.events == "-":
            result = replay(policy, sys.stdin, factors=registry_of(args))
        else:
            with open(args.events, encoding="utf-8") as lines:
                result = replay(policy, lines, factors=registry_of(args))
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(f"{args.events}: {error}") from None
    if args.json:
        print_json(result)
        return DONE
    if result.impacts:
        counts = [(i.before, "->", i.after, str(i.events), str(i.accounts)) for i in result.impacts]
        print_table([("then", "", "under this policy", "events", "accounts"), *counts])
    print(f"{result.decided} of {result.read} events were decisions; {result.unreadable} lines could not be read")
    return DONE


def routes_under_policy(args: argparse.Namespace) -> int:
    """Run ``policy routes``.

    Returns 1 if a rule matches no route, or a ``require_proof`` is never asked.
    """
    from ..policyfile.tools.routes import idle_rules, leaves_of, rows_for

    policy = policy_of(args)
    try:
        leaves = leaves_of(app_for(args))
    except ValueError as error:
        raise WrongUse(str(error)) from None
    groups = frozenset(args.groups)
    rows = rows_for(policy, leaves, tenant=args.tenant, groups=groups, now=int(time.time()))
    idle = idle_rules(policy, leaves)
    wrong = [f"{row.method} {row.template}: {fault}" for row in rows for fault in row.lost]
    wrong += [f"{name}: matches no route" for name in idle]
    if args.json:
        print_json({"ok": not wrong, "tenant": args.tenant, "routes": rows, "idle_rules": idle})
        return NO if wrong else DONE
    table = [
        (
            r.method,
            r.template,
            r.outcome,
            ", ".join(r.rules),
            ", ".join(r.endpoint),
            f"partly: {', '.join(r.partly)}" if r.partly else "",
        )
        for r in rows
    ]
    print_table([("method", "route", "outcome", "rules", "the endpoint itself", ""), *table])
    for line in wrong:
        print(line, file=sys.stderr)
    return NO if wrong else DONE


def print_schema(args: argparse.Namespace) -> int:
    """Run ``policy schema``: print the JSON Schema, for editors."""
    from ..policyfile.tools.schema import json_schema

    print_json(json_schema(registry_of(args)))
    return DONE


def print_keys(args: argparse.Namespace) -> int:
    """Run ``policy keys``: print the reference of all keys, as Markdown or JSON."""
    from ..policyfile.tools.reference import reference, sections

    factors = registry_of(args)
    if args.json:
        print_json([dataclasses.asdict(section) for section in sections(factors)])
    else:
        print(reference(factors), end="")
    return DONE


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    about: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about)
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    parser.set_defaults(run=_guarded(run))
    return parser


def _guarded(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Turn wrong use into exit code 2 with one line, a faulty policy into 1 with all faults."""

    def guarded(args: argparse.Namespace) -> int:
        args.json = getattr(args, "json", False)
        try:
            return run(args)
        except WrongUse as error:
            print(f"mfa-gate policy {args.policy_command}: {error}", file=sys.stderr)
            return WRONG_USE
        except SettingsError as error:
            if args.json:
                print_json({"ok": False, "faults": error.faults})
            else:
                print(error, file=sys.stderr)
            return NO

    return guarded
