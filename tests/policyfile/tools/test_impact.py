"""Past events under a new file, as far as the trail tells."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mfa_gate.policyfile.tools.impact import Impact, replay

from ..kinds import policy

DAY = 86_400


def line(kind: str, at: object, *, account: str = "ann", network: str = "192.0.2.1", **more: object) -> str:
    event = {"id": "e", "kind": kind, "at": at, "tenant": "t", "account": account, "network": network, **more}
    return json.dumps(event)


def outcomes(text: str, lines: list[str]) -> dict[tuple[str, str], tuple[int, int]]:
    found = replay(policy(text), lines)
    return {(impact.before, impact.after): (impact.events, impact.accounts) for impact in found.impacts}


PROOFS = [
    line("factor.enrolled", 0, factor="totp"),
    line("proof.granted", 7 * DAY, factor="totp"),
    line("proof.granted", 14 * DAY, factor="totp"),
    line("proof.granted", 15 * DAY, factor="totp", network="192.0.2.99"),
]


def test_what_was_asked_may_pass_now() -> None:
    """A longer max_age, a wider prefix: challenges that would not have come."""
    assert outcomes("", PROOFS) == {
        ("challenge", "challenge (expired)"): (2, 1),
        ("challenge", "challenge (ip_changed)"): (1, 1),
    }
    assert outcomes("[freshness]\nmax_age = '30d'\nip_change.compare.v4 = 24\n", PROOFS) == {
        ("challenge", "verified"): (3, 1)
    }


def test_people_are_counted_once_an_outcome() -> None:
    """Events and accounts are counted apart, the most frequent outcome first."""
    lines = [line("proof.granted", at, account=who, factor="sms") for at, who in ((1, "a"), (2, "b"), (8 * DAY, "a"))]
    found = replay(policy(""), reversed(lines))
    assert found.impacts == (
        Impact(before="challenge", after="challenge (no_proof)", events=2, accounts=2),
        Impact(before="challenge", after="challenge (expired)", events=1, accounts=1),
    )


def test_report_only_events_say_what_is_to_come() -> None:
    """A report becomes the present file's decision on the request that it names.

    A lock and an unlock are remembered.
    """
    text = "[[step_up]]\nname = 'x'\npaths = ['/x/**']\nmax_age = '5m'\n"
    report: dict[str, Any] = {"reason": "step_up", "detail": {"method": "POST", "path": "/x/1"}}
    lines = [
        line("factor.enrolled", 0, factor="totp"),
        line("decision.report", 600, **report),
        line("account.locked", 8 * DAY),
        line("decision.report", 8 * DAY + 1, **report),
        line("account.unlocked", 8 * DAY + 2),
        line("decision.report", 8 * DAY + 3, **report),
    ]
    assert outcomes(text, lines) == {
        ("report (step_up)", "challenge (step_up)"): (1, 1),
        ("report (step_up)", "locked"): (1, 1),
        ("report (step_up)", "challenge (expired)"): (1, 1),
    }


def test_skips_resets_and_revocations_are_followed() -> None:
    """A reset demands enrollment, a revocation ends the proof, a skip holds while optional."""
    optional = "[enrollment]\nstage = 'optional'\n"
    assert outcomes(optional, [line("enrollment.skipped", 5)]) == {("enroll", "verified"): (1, 1)}
    assert outcomes("", [line("enrollment.skipped", 5)]) == {("enroll", "enroll"): (1, 1)}
    enrolled = line("factor.enrolled", 0, factor="totp")
    asked = line("decision.report", 9)
    for kind, after in (
        ("account.reset", "enroll"),
        ("factor.removed", "enroll"),
        ("proofs.revoked", "challenge (no_proof)"),
        ("policy.loaded", "verified"),
    ):
        lines = [enrolled, line(kind, 5, factor="totp"), asked]
        assert outcomes("", lines) == {("report", after): (1, 1)}, kind


def test_lines_that_are_no_events_are_counted() -> None:
    """Garbage is counted and left out; times may be seconds or RFC 3339."""
    lines = ["", "{", "[]", '{"kind": 1}', line("x", None), line("x", True), line("x", "2026-01-01T00:00:00")]
    lines += [line("proof.granted", "1970-01-01T00:00:10Z", factor="totp"), line("proof.granted", 20.5, factor="totp")]
    found = replay(policy(""), lines)
    assert (found.read, found.unreadable, found.decided) == (8, 6, 2)
    assert {impact.after for impact in found.impacts} == {"challenge (no_proof)", "verified"}


def test_a_proof_by_enrolling_is_no_challenge() -> None:
    """The proof that an enrollment makes was never asked for, in any order of the lines."""
    lines = [line("factor.enrolled", 5, factor="totp"), line("proof.granted", 5, factor="totp")]
    for given in (lines, lines[::-1]):
        assert replay(policy(""), given).decided == 0


def test_one_of_two_apps_is_removed() -> None:
    """A person who removes one of two authenticator apps still has the other."""
    two = [line("factor.enrolled", at, factor="totp", detail={"authenticator": id}) for at, id in ((1, "a"), (2, "b"))]
    removed = line("factor.removed", 3, factor="totp", detail={"authenticator": "a"})
    asked = line("decision.report", 9 * DAY)
    assert outcomes("", [*two, removed, asked]) == {("report", "challenge (expired)"): (1, 1)}
    last = line("factor.removed", 4, factor="totp", detail={"authenticator": "b"})
    assert outcomes("", [*two, removed, last, asked]) == {("report", "enroll"): (1, 1)}


def test_facts_that_the_trail_lacks_are_counted() -> None:
    """Rules by path and group are left out for events that name neither, and this is said."""
    exempt = "[[exempt]]\nname = 'x'\npaths = ['=/']\nreason = 'x'\npermanent = true\n"
    group = "[[exempt_subjects]]\nname = 'y'\ngroups_any = ['staff']\nreason = 'x'\npermanent = true\n"
    found = replay(policy(exempt + group), [line("proof.granted", 9, factor="totp")])
    assert [impact.after for impact in found.impacts] == ["challenge (no_proof)"]
    assert dict(found.unknown) == {
        "events that name no request: rules by path were left out": 1,
        "events that name no group: rules by groups were left out": 1,
    }


STEP_UP = "[[step_up]]\nname = 'z'\npaths = ['/z/**']\nmax_age = '5m'\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (STEP_UP, ["path"]),
        (STEP_UP + "groups_any = ['staff']\n", ["path", "groups"]),
        (STEP_UP + "groups_none = ['staff']\n", ["path", "groups"]),
    ],
)
def test_only_facts_that_a_rule_needs_are_missed(text: str, words: list[str]) -> None:
    """A policy without such a rule has decided on all that the trail names."""
    found = replay(policy(text), [line("proof.granted", 9, factor="totp")])
    assert [what.partition("rules by ")[2].split()[0] for what in found.unknown] == words


@pytest.mark.parametrize("at", ["NaN", "Infinity", "1e400", "-1", "-1e18", "1e17", "9" * 5_000])
def test_a_moment_that_is_none(at: str) -> None:
    """A number without a day in the calendar makes a line that cannot be read."""
    text = line("proof.granted", 0, factor="totp").replace('"at": 0', f'"at": {at}')
    assert replay(policy(""), [text]).unreadable == 1


def test_a_line_of_brackets() -> None:
    """JSON that is nested without end is a line that cannot be read."""
    assert replay(policy(""), ["[" * 100_000, '{"a": ' * 100_000]).unreadable == 2
