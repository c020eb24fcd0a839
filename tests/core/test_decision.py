"""The decision on a request: every state with every reason, as a table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.decision import FOREVER, Allow, Deny, Enroll, StepUp, decide, enrollable_kinds, state_of
from mfa_gate.core.evidence import NO_SESSION, SESSION_LIFE, session_mark
from mfa_gate.core.model import Account, Attempts, Grant, Lock, Seconds, Subject
from mfa_gate.core.policy import Requirement
from mfa_gate.core.rules import (
    DAY,
    AttemptRules,
    EnrollmentRules,
    Exemption,
    FactorRules,
    FreshnessRules,
    IPChangeRules,
    PathRule,
    Rules,
    SubjectExemption,
)

from .builders import (
    ANN,
    AWAY,
    HANDLE,
    HOME,
    NO_SESSION_ANN,
    NOW,
    TRAITS,
    WEEK,
    account,
    caller,
    demand,
    evidence,
    factor_rules,
    judged,
    proof,
    requirement,
    rules_with,
    with_demands,
)

LOCK = Lock(at=NOW - 5, cause="attempts", ref="REF")
BY_ADMIN = Lock(at=NOW - 5, cause="administrator", ref="REF", actor="boss")
HEALTH = Exemption(name="health", paths=(PathRule(text="=/healthz"),))
PATIENTS = SubjectExemption(name="patients", groups_any=("patient",))


@pytest.mark.parametrize(
    ("rules", "facts", "free"),
    [
        (rules_with(enrollment=EnrollmentRules(stage="off")), {}, "off"),
        (rules_with(exempt=(HEALTH,)), {"path": "/healthz"}, "health"),
        (rules_with(exempt_subjects=(PATIENTS,)), {"groups": frozenset({"patient"})}, "patients"),
    ],
)
def test_nothing_demanded_passes_even_a_locked_account(rules: Rules, facts: dict[str, Any], free: str) -> None:
    """A rule that demands nothing lets even a locked account pass, and is named.

    The stage "off" and an exemption come before the lock.
    """
    decision = judged(account("app", lock=LOCK), requirement(rules, **facts))
    assert isinstance(decision, Allow)
    assert (decision.why.rule, state_of(decision)) == (free, "off" if free == "off" else "exempt")


@pytest.mark.parametrize(
    ("age", "passes"), [(0, True), (WEEK - 1, True), (WEEK, False), (WEEK + 1, False), (90 * DAY, False)]
)
def test_seven_days_to_the_second(age: int, passes: bool) -> None:
    """A proof of exactly seven days is expired; one that is a second younger counts.

    S-29. The reason of the decision says that it is expired.
    """
    decision = judged(account("app", proofs=(proof(age=age),)))
    if passes:
        assert isinstance(decision, Allow)
        assert decision.until == NOW - age + WEEK
        assert decision.proof == proof(age=age)
    else:
        assert isinstance(decision, StepUp)
        assert decision.reason == "expired"


CHALLENGED: list[tuple[str, Account, dict[str, Any], str]] = [
    ("nothing proven", account("app"), {}, "no_proof"),
    ("another network", account("app", proofs=(proof(network=AWAY),)), {}, "ip_changed"),
    ("expired here, fresh elsewhere", account("app", proofs=(proof(age=WEEK), proof(network=AWAY))), {}, "expired"),
    ("address unknown", account("app", proofs=(proof(network=""),)), {"network": ""}, "ip_changed"),
    ("epoch raised", account("app", proofs=(proof(),), epoch=1), {}, "revoked"),
    ("a proof of a later epoch", account("app", proofs=(proof(epoch=2),), epoch=1), {}, "revoked"),
    ("authenticator removed", account("app", proofs=(proof("text"),)), {}, "revoked"),
    ("another browser", account("app", proofs=(proof(),)), {"handle": "x" * 22}, "no_proof"),
    ("no handle", account("app", proofs=(proof(),)), {"handle": ""}, "no_proof"),
    ("another session", account("app", proofs=(proof(session=session_mark(Subject("ann", session="2"))),)), {},
     "no_proof"),
    ("the raw session is no mark", account("app", proofs=(proof(session=ANN.session),)), {}, "no_proof"),
]  # fmt: skip


@pytest.mark.parametrize(("of", "who", "reason"), [row[1:] for row in CHALLENGED], ids=[row[0] for row in CHALLENGED])
def test_why_it_asks(of: Account, who: dict[str, Any], reason: str) -> None:
    """A proof that does not count here and now asks again, and the reason says why.

    S-20, S-21, S-110.
    """
    decision = judged(of, who=caller(**who))
    assert isinstance(decision, StepUp)
    assert (decision.reason, state_of(decision)) == (reason, "challenge")
    assert decision.authenticators == ("app-1",)


def test_an_unknown_network_is_not_even_itself() -> None:
    """S-110: a proof made at an unknown address never counts at an unknown address."""
    of = account("app", proofs=(proof(network=""),))
    assert not evidence(of, caller(network="")).proofs


def test_network_changes_that_only_log() -> None:
    """A proof counts everywhere under the policy ``ip_change.action = "log"``.

    This includes an unknown address.
    """
    rules = rules_with(freshness=FreshnessRules(ip_change=IPChangeRules(action="log")))
    for network in (AWAY, ""):
        decision = judged(account("app", proofs=(proof(),)), requirement(rules), caller(network=network))
        assert isinstance(decision, Allow)


def test_a_proof_of_another_account_is_no_standing() -> None:
    """An account joined with another subject is refused with an error.

    S-21. The same id in another tenant is another subject.
    """
    for subject in (Subject("bob", "clinic"), Subject("ann", "practice")):
        with pytest.raises(ValueError, match="another subject"):
            evidence(account("app", proofs=(proof(),)), caller(subject))


@pytest.mark.parametrize(
    ("subject", "mark", "age", "counts"),
    [
        (ANN, session_mark(ANN), 60, True),
        (ANN, session_mark(ANN), SESSION_LIFE, True),
        (ANN, NO_SESSION, 60, False),
        (NO_SESSION_ANN, NO_SESSION, SESSION_LIFE - 1, True),
        (NO_SESSION_ANN, NO_SESSION, SESSION_LIFE, False),
        (NO_SESSION_ANN, session_mark(ANN), 60, False),
        (Subject("ann", "clinic", session="-"), NO_SESSION, 60, False),
    ],
)
def test_proofs_that_end_with_the_session(subject: Subject, mark: str, age: int, counts: bool) -> None:
    """A proof that is not remembered counts for this sign-in session only.

    D-12. It counts for twelve hours if the host names no session.
    """
    of = account("app", proofs=(proof(session=mark, age=age),))
    decision = judged(of, who=caller(subject))
    assert isinstance(decision, Allow) is counts


def test_an_unnamed_session_says_when_it_ends() -> None:
    """The decision gives the true end of such a proof: twelve hours, not seven days."""
    decision = judged(account("app", proofs=(proof(session=NO_SESSION, age=60),)), who=caller(NO_SESSION_ANN))
    assert isinstance(decision, Allow)
    assert decision.until == NOW - 60 + SESSION_LIFE


@pytest.mark.parametrize(
    ("lock", "proven", "ends", "denied"),
    [
        (LOCK, False, False, True),
        (LOCK, True, False, False),
        (LOCK, True, True, True),
        (BY_ADMIN, True, False, True),
        (BY_ADMIN, False, False, True),
        (replace(LOCK, cause="rolling"), True, False, False),
        (replace(LOCK, cause="rolling"), False, False, True),
    ],
)
def test_a_lock_against_live_proofs(lock: Lock, proven: bool, ends: bool, denied: bool) -> None:
    """A lock denies a subject without a proof; live proofs pass.

    D-8, D-27, S-34. They do not pass if the policy ends them with a lock or if an administrator locked the
    account.
    """
    rules = rules_with(attempts=AttemptRules(lock_ends_sessions=ends))
    decision = judged(account("app", proofs=(proof(),) if proven else (), lock=lock), requirement(rules))
    assert isinstance(decision, Deny) is denied
    assert state_of(decision) == ("locked" if denied else "verified")
    if isinstance(decision, Deny):
        assert (decision.ref, decision.cause, decision.why.missing) == ("REF", lock.cause, "unlock")


def test_every_attempt_taken_is_denied_before_the_lock_is_written() -> None:
    """A subject without a proof is denied while all attempts are taken and not settled.

    S-31. A live proof still passes.
    """
    spent = Attempts(used=7, charged_at=NOW)
    decision = judged(account("app", attempts=spent))
    assert isinstance(decision, Deny)
    assert (decision.ref, decision.cause) == ("", "attempts")
    assert isinstance(judged(account("app", proofs=(proof(),), attempts=spent)), Allow)


def test_a_locked_account_without_a_factor_is_denied() -> None:
    """S-34, S-83: a lock comes before the first enrollment, which would be a way around it."""
    assert isinstance(judged(account(lock=LOCK)), Deny)


STEP_UPS: list[tuple[str, dict[str, Any], tuple[str, ...], dict[str, Any], str, tuple[str, ...]]] = [
    ("too old", {"max_age": 300}, ("app",), {"age": 300}, "step_up", ("app-1",)),
    ("young enough", {"max_age": 300}, ("app",), {"age": 299}, "", ()),
    ("another factor", {"factors": ("key", "mail")}, ("app", "mail", "key"), {}, "step_up", ("mail-1", "key-1")),
    ("resistant", {"strong": True}, ("app", "key"), {}, "step_up", ("key-1",)),
    ("resistant, proven", {"strong": True}, ("app", "key"), {"factor": "key"}, "", ()),
    ("resistant, no backup", {"strong": True}, ("key", "paper"), {"factor": "paper"}, "step_up", ("key-1",)),
    ("fresh and strong at once", {"strong": True, "max_age": 300}, ("key",), {"factor": "key", "age": 301}, "step_up",
     ("key-1",)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "factors", "shown", "reason", "usable"), [row[1:] for row in STEP_UPS], ids=[row[0] for row in STEP_UPS]
)
def test_step_up(
    asked: dict[str, Any], factors: tuple[str, ...], shown: dict[str, Any], reason: str, usable: tuple[str, ...]
) -> None:
    """A proof that is less than a rule demands leads to a step-up.

    S-90. The step-up offers the factors that meet the rule and nothing less. No fallback undercuts it.
    """
    base = requirement()
    wanted = with_demands(base, *base.demands, demand("export", **asked))
    decision = judged(account(*factors, proofs=(proof(**shown),)), wanted)
    if not reason:
        assert isinstance(decision, Allow)
    else:
        assert isinstance(decision, StepUp)
        assert (decision.reason, decision.authenticators, decision.why.rule) == (reason, usable, "export")


def test_nothing_that_meets_the_demand_proves_first_then_enrolls() -> None:
    """A subject without a strong factor proves the old one before enrolling a stronger one.

    S-83, S-84.
    """
    base = requirement()
    wanted = with_demands(base, *base.demands, demand("vault", strong=True))
    first = judged(account("app", "text"), wanted)
    assert isinstance(first, StepUp)
    assert (first.reason, first.authenticators) == ("no_proof", ("app-1", "text-1"))
    then = judged(account("app", "text", proofs=(proof(),)), wanted)
    assert isinstance(then, Enroll)
    assert (then.factors, then.skippable, then.why.missing, state_of(then)) == (("key",), False, "factor", "enroll")


def test_an_endpoints_own_demand_leads_out_too() -> None:
    """An endpoint's demand of strength never asks on and on for a factor that cannot meet it.

    It leads to an enrollment, also on a path where nothing else is demanded.
    """
    wanted = with_demands(requirement(), demand("endpoint", strong=True))
    assert isinstance(judged(account("app", proofs=(proof(),)), wanted), Enroll)
    expired = judged(account("app", proofs=(proof(age=WEEK),)), wanted)
    assert isinstance(expired, StepUp)
    assert (expired.reason, expired.authenticators) == ("expired", ("app-1",))


@pytest.mark.parametrize("turned", [False, True])
def test_the_strictest_of_all_rules_wins_whatever_their_order(turned: bool) -> None:
    """The demand is the least age, the common factors and the strength of all rules.

    D-24. Their order does not matter.
    """
    base = requirement()
    rules = (
        demand("a", max_age=600, factors=("app", "key")),
        demand("b", max_age=300, factors=("key", "mail")),
        demand("c", strong=True),
    )
    wanted = with_demands(base, *base.demands, *(rules[::-1] if turned else rules))
    decision = judged(account("app", "key", "mail", proofs=(proof(),)), wanted)
    assert isinstance(decision, StepUp)
    asked = decision.demand
    assert (asked.max_age, asked.factors_any, asked.phishing_resistant) == (300, ("key",), True)
    assert decision.authenticators == ("key-1",)


def test_watched_rules_watch_and_stop_nobody() -> None:
    """A report-only rule lets the request pass and names itself in every kind of decision."""
    watching = replace(requirement(), watched=(demand("later", strong=True), demand("met")))
    assert judged(account("app", proofs=(proof(),)), watching).why.watched == ("later",)
    assert isinstance(judged(account("app", proofs=(proof(),)), watching), Allow)
    for of in (account("app"), account(), account("app", lock=LOCK)):
        assert "later" in judged(of, watching).why.watched


def only(*factors: str) -> Requirement:
    return requirement(rules_with(factors=factor_rules(*factors)))


def test_factors_that_are_not_allowed_any_more() -> None:
    """A subject whose only factor was dropped by the policy proves it once more.

    Then the subject enrolls a factor that is allowed.
    """
    first = judged(account("text"), only("app", "paper"))
    assert isinstance(first, StepUp)
    assert first.authenticators == ("text-1",)
    then = judged(account("text", proofs=(proof("text"),)), only("app", "paper"))
    assert isinstance(then, Enroll)
    assert then.factors == ("app", "paper")
    both = judged(account("text", "app"), only("app"))
    assert isinstance(both, StepUp)
    assert both.authenticators == ("app-1",)


def test_until_is_the_first_end_of_all_demands() -> None:
    """The end in a decision is the earliest time at which some demand is no longer met.

    Each demand counts with the proof that meets it best.
    """
    base = requirement()
    wanted = with_demands(base, *base.demands, demand("export", max_age=300))
    decision = judged(account("app", "key", proofs=(proof(age=200), proof("key", age=100))), wanted)
    assert isinstance(decision, Allow)
    assert decision.until == NOW - 100 + 300


def test_one_proof_meets_all_demands_at_once() -> None:
    """An old strong proof beside a fresh weak one does not count as a fresh strong one.

    The next proof that is asked for meets both demands.
    """
    base = requirement()
    wanted = with_demands(base, *base.demands, demand("strong", strong=True), demand("fresh", max_age=300))
    proofs = (proof("key", age=DAY), proof("app", age=10))
    decision = judged(account("app", "key", proofs=proofs), wanted)
    assert isinstance(decision, StepUp)
    assert (decision.reason, decision.authenticators) == ("step_up", ("key-1",))
    assert (decision.demand.max_age, decision.demand.phishing_resistant) == (300, True)


def test_where_no_factor_meets_all_demands_there_is_no_way() -> None:
    """No number of proofs meets demands that no single factor meets together.

    Nothing is offered to enroll either.
    """
    base = requirement()
    wanted = with_demands(base, *base.demands, demand("a", factors=("app",)), demand("b", strong=True))
    decision = judged(account("app", "key", proofs=(proof("key"), proof("app"))), wanted)
    assert isinstance(decision, Enroll)
    assert decision.factors == ()


def test_free_requests_look_at_no_account() -> None:
    """An exempt request has no end of its own and carries no proof."""
    free = Requirement(rules=rules_with(), free="health", free_kind="exempt")
    decision = decide(free, evidence(account("app", proofs=(proof(),))), NOW)
    assert isinstance(decision, Allow)
    assert (decision.until, decision.proof) == (FOREVER, None)


def test_another_tenants_age_is_its_own() -> None:
    """The age is the tenant's: twelve hours mean twelve hours."""
    rules = rules_with(freshness=FreshnessRules(max_age=Seconds(DAY // 2)))
    assert isinstance(judged(account("app", proofs=(proof(age=DAY // 2),)), requirement(rules)), StepUp)
    assert isinstance(judged(account("app", proofs=(proof(age=DAY // 2 - 1),)), requirement(rules)), Allow)


def test_two_networks_of_one_browser() -> None:
    """D-5: a browser keeps a proof for each of its networks, each with its own seven days."""
    of = account("app", proofs=(proof(network=HOME, age=WEEK - 1), proof(network=AWAY, age=10)))
    for network, age in ((HOME, WEEK - 1), (AWAY, 10)):
        decision = judged(of, who=caller(network=network, handle=HANDLE))
        assert isinstance(decision, Allow)
        assert decision.until == NOW - age + WEEK


@pytest.mark.parametrize(
    ("held", "asked", "kinds"),
    [
        ((), {}, ("key", "app", "text", "mail")),
        (("app",), {}, ("key", "app", "text", "mail")),
        (("mail",), {}, ("key", "app", "text")),
        ((), {"allowed": ("mail", "app", "paper", "gone")}, ("app", "mail")),
        ((), {"strong": True}, ("key",)),
    ],
)
def test_what_may_be_set_up_here(held: tuple[str, ...], asked: dict[str, Any], kinds: tuple[str, ...]) -> None:
    """The strongest first, what could meet the demand, and a single kind only once.

    Backup codes are made elsewhere.
    """
    demanded = requirement(rules_with(factors=factor_rules(*asked.get("allowed", ()))))
    demanded = with_demands(demanded, demand(strong=True)) if "strong" in asked else demanded
    of = account(*held)
    assert enrollable_kinds(judged(of, demanded), demanded, of, TRAITS) == kinds
    if not held:
        assert enrollable_kinds(judged(of, demanded), demanded, None, TRAITS) == kinds


def test_a_kind_without_a_place_in_the_order_comes_last() -> None:
    """It is offered all the same."""
    rules = rules_with(factors=FactorRules(allowed=("text", "key"), order=("key",)))
    demanded = requirement(rules)
    assert enrollable_kinds(judged(account(), demanded), demanded, None, TRAITS) == ("key", "text")


def test_a_grant_passes_until_its_end() -> None:
    """An allowance by a grant is remembered for no second longer than the grant lasts."""
    grant = Grant(ref="G", asked_by="a", asked_at=NOW, reason="r", ticket="t", life=9, epoch=0, ends_at=NOW + 9)
    allow = judged(account("app", grant=grant))
    assert isinstance(allow, Allow)
    assert (allow.until, allow.granted, allow.state) == (NOW + 9, True, "verified")
