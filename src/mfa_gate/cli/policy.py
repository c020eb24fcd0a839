"""Offer the commands about the policy file."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import FaultyPolicy
from . import policy_records
from .application import WrongUse, app_for
from .explain_person import add_person, explain_person, notes_on, person_json, person_lines
from .factors import add_app, gate_for, prefix_of, registry_of
from .policy_args import add_file, add_scenario, given_by, path_of, policy_of, words
from .policy_compare import add_allowance, add_two_files, diff_policies, equal_policies
from .policy_impact import add_impact, impact_of_policy
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
    add_person(explain)

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

    about = "tell who would be asked, sent to enroll or walled out under a policy, from recorded requests"
    add_impact(_command(commands, "impact", impact_of_policy, about))

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
    keys.add_argument("name", metavar="NAME", nargs="?", default="", help="a section or a key, like freshness.max_age")
    policy_records.add_commands(commands, _guarded)
    add_app(_command(commands, "example", print_example, "print a policy with every key, each with its comment"))


def check_policy(args: argparse.Namespace) -> int:
    """Run ``policy check``. Returns 1 for a fault, and for a test that does not hold.

    With ``--strict`` it returns 1 for a warning or a departure, too.
    """
    from ..policyfile import examine, findings
    from ..policyfile.loading import read_text
    from ..policyfile.tools.findings import test_findings
    from ..policyfile.tools.idle_rules import idle_findings
    from ..policyfile.tools.policy_tests import faults_of_tests
    from ..policyfile.tools.profiles import Assessment, compare_with

    need_profile(args)
    path = path_of(args)
    factors, now = registry_of(args), int(time.time())
    examined = examine(read_text(path), base=path.parent, factors=factors)
    faults = examined.faults or faults_of_tests(examined.policy, now=now, factors=factors)
    if examined.policy is None or faults:
        tell_faults(args, path, faults)
        return NO
    policy = examined.policy
    found = (*findings(policy, now=now, factors=factors, prefix=prefix_of(args)), *test_findings(policy))
    told = {finding.path for finding in found}
    found += idle_findings(policy, now=now, factors=factors, told=told)
    assessed = Assessment(deviations=(), met=())
    if args.profile:
        assessed = compare_with(policy, args.profile, now=now, factors=factors)
    warnings = [finding for finding in found if finding.severity == "warning"]
    refused = args.strict and bool(warnings or assessed.deviations)
    if args.json:
        print_json(
            {
                "ok": not refused,
                "name": policy.name,
                "digest": policy.digest,
                "faults": [],
                "findings": found,
                "profile": args.profile,
                "deviations": assessed.deviations,
                "met": assessed.met,
                **evidence_of(args, policy, assessed, now),
            }
        )
    elif args.evidence:
        print_evidence(args, policy, assessed, now)
    else:
        for finding in found:
            print(finding.told(path.name))
        print_assessment(args.profile, assessed, path.name)
        remarks = counted(warnings, assessed.deviations, args.profile)
        print(f'{path.name}: policy "{policy.name}" is valid ({remarks})')
    return NO if refused else DONE


def explain_policy(args: argparse.Namespace) -> int:
    """Run ``policy explain``: one request, with the part of every rule in it.

    The person is made up, or with ``--account`` a real one of the store.
    """
    from ..policyfile.scenario import Given, factors_of, judge, reason_of
    from ..policyfile.tools.explain import rows, seen_by_user, told_dead_end, told_decision

    policy = policy_of(args)
    if policy.tenants_are == "closed" and args.tenant not in policy.tenants:
        raise WrongUse(f'--tenant {args.tenant}: the policy does not name it, and says tenants_are = "closed"')
    given: Given | dict[str, object]
    facts: list[tuple[str, str]] = []
    try:
        endpoint = _demands_at(args, args.request) if args.app else ()
        gate = gate_for(args)
        sign_out = gate.web.site.sign_out if gate is not None else ""
        if args.account:
            answer = explain_person(args, endpoint, sign_out)
            outcome, given, facts = answer.outcome, person_json(answer), list(person_lines(answer))
        else:
            given = given_by(args, policy)
            traits = registry_of(args).traits
            outcome = judge(policy, given, traits, now=int(time.time()), endpoint=endpoint, sign_out=sign_out)
    except ValueError as error:
        raise WrongUse(str(error)) from None
    decision = outcome.decision
    table = rows(outcome)
    notes = [*filter(None, (told_dead_end(outcome),)), *notes_on(policy, args.tenant, args.request, args)]
    if args.json:
        print_json(
            {
                "given": given,
                "notes": notes,
                "decision": {"kind": type(decision).__name__, **dataclasses.asdict(decision)},
                "state": told_decision(outcome).partition(" ")[0],
                "reason": reason_of(decision),
                "factors": factors_of(outcome),
                "rules": table,
                "user_sees": seen_by_user(outcome),
            }
        )
        return DONE
    facts += [("note", note) for note in notes]
    if facts:
        print_table(facts)
        print()
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
    from ..core.rules import path_in
    from ..policyfile.tools.routes import leaf_for, leaves_of

    method, _, path = request.partition(" ")
    leaf = leaf_for(leaves_of(app_for(args)), method, path_in(path))
    return leaf.demands if leaf else ()


def routes_under_policy(args: argparse.Namespace) -> int:
    """Run ``policy routes``.

    Returns 1 if a rule matches no route, a ``require_proof`` is never asked, or nobody could pass a route.
    """
    from ..policyfile.tools.routes import idle_rules, leaves_of, rows_for

    policy = policy_of(args)
    try:
        leaves = leaves_of(app_for(args))
    except ValueError as error:
        raise WrongUse(str(error)) from None
    groups = frozenset(args.groups)
    gate = gate_for(args)
    sign_out = gate.web.site.sign_out if gate is not None else ""
    rows = rows_for(
        policy,
        leaves,
        tenant=args.tenant,
        groups=groups,
        now=int(time.time()),
        sign_out=sign_out,
        factors=registry_of(args),
    )
    idle = idle_rules(policy, leaves)
    wrong = [f"{row.method} {row.template}: {fault}" for row in rows for fault in row.lost]
    wrong += [
        f"{row.method} {row.template}: nobody passes: no factor meets {row.dead_end}" for row in rows if row.dead_end
    ]
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
    """Run ``policy keys``: print the reference of all keys, or of one, as Markdown or JSON."""
    from ..policyfile.faults import nearest
    from ..policyfile.tools.reference import names, reference, sections, sections_named

    factors = registry_of(args)
    found = sections_named(args.name, factors) if args.name else tuple(sections(factors))
    if not found:
        raise WrongUse(f'no key or section is named "{args.name}"{nearest(args.name, names(factors))}')
    if args.json:
        print_json([dataclasses.asdict(section) for section in found])
    else:
        print(reference(factors, args.name), end="\n" if args.name else "")
    return DONE


def print_example(args: argparse.Namespace) -> int:
    """Run ``policy example``: print a policy with every key, each with its comment."""
    from ..policyfile.tools.example_file import example_file

    text = example_file(registry_of(args))
    if args.json:
        print_json({"policy": text})
    else:
        print(text, end="")
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
        except FaultyPolicy as error:
            if args.json:
                print_json({"ok": False, "faults": error.faults})
            else:
                print(error, file=sys.stderr)
            return NO

    return guarded
