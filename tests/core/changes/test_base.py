"""Any change keeps an account within its bounds, and one change of it is small."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mfa_gate.core import changes
from mfa_gate.core.attempts import forgiven
from mfa_gate.core.changes import Charge
from mfa_gate.core.codec import decode, encode
from mfa_gate.core.decision import decide
from mfa_gate.core.entropy import draw_id, expand
from mfa_gate.core.events import KINDS, Moment
from mfa_gate.core.evidence import session_mark
from mfa_gate.core.model import (
    MAX_AUTHENTICATORS,
    MAX_BROWSERS,
    MAX_BYTES,
    MAX_CODES,
    MAX_ENROLLMENTS,
    MAX_ENROLLMENTS_OF_ALL,
    MAX_OTHER_CHALLENGES,
    MAX_OTHERS_OF_ALL,
    MAX_PROOFS_PER_NETWORK,
    Account,
    Authenticator,
    Browser,
    Caller,
    Challenge,
    Proof,
    Seconds,
    Subject,
    Twin,
)
from mfa_gate.core.rules import DAY, AgreementRules, AttemptRules, EnrollmentRules, ResendRules, RollingRules, SkipRules

from ..builders import ANN, NOW, TRAITS, authenticator, evidence, requirement, rules_with

RULES = rules_with(
    enrollment=EnrollmentRules(stage="optional", permanent=False, first="open", skip=SkipRules()),
    agreement=AgreementRules(id="data", version="1", title="T", file="f", digest="d" * 64, again="each-sign-in"),
    attempts=AttemptRules(rolling=RollingRules(max=500)),
)
DEMANDED = requirement(RULES)
LOOSE = ResendRules(wait=Seconds(0), per_hour=60, per_day=60)
SECRET = {"secret": "s" * 84, "digits": 6, "period": 30}

numbers = st.integers(0, 11)
"""Of sessions, browsers, networks, authenticators: which."""
kinds = st.sampled_from(sorted(TRAITS))
factors = st.sampled_from(sorted(kind for kind, traits in TRAITS.items() if not traits.backup))
"""What may be enrolled step by step (S-93)."""


def within(of: Account) -> None:
    """Every bound of the aggregate (design 1)."""
    assert len(of.authenticators) <= MAX_AUTHENTICATORS
    assert len(of.browsers) <= MAX_BROWSERS
    drafts, others = of.enrollments, [c for c in of.challenges if "code" not in c.data]
    assert len(drafts) <= MAX_ENROLLMENTS_OF_ALL
    assert all(sum(d.browser == draft.browser for d in drafts) <= MAX_ENROLLMENTS for draft in drafts)
    assert sum("code" in c.data for c in of.challenges) <= MAX_CODES
    assert len(others) <= MAX_OTHERS_OF_ALL
    assert all(sum(o.browser == other.browser for o in others) <= MAX_OTHER_CHALLENGES for other in others)
    for browser in of.browsers:
        places = [p.network for p in browser.proofs]
        assert len(set(places)) <= 5
        assert all(places.count(place) <= MAX_PROOFS_PER_NETWORK for place in places)
    assert len({b.handle for b in of.browsers}) == len({b.id for b in of.browsers}) == len(of.browsers)
    assert len(encode(of)) <= MAX_BYTES


class AnyLife(RuleBasedStateMachine):
    """Random steps of one account, by several browsers, sessions and networks.

    The clock jumps both ways.
    """

    def __init__(self) -> None:
        super().__init__()
        self.account = Account(key=ANN.key)
        self.now = NOW
        self.step = 0
        self.handles: dict[int, str] = {}
        self.charges: list[Charge] = []

    def moment(self) -> Moment:
        self.step += 1
        return Moment(now=self.now, nonce=self.step.to_bytes(32))

    def caller(self, who: int) -> Caller:
        subject = Subject("ann", "clinic", session=f"session {who}" if who % 3 else "")
        network = f"2001:db8:{who:x}:{self.step % 7:x}::"
        return Caller(subject=subject, handle=self.handles.get(who, ""), network=network, label="Firefox on Windows")

    def keep(self, change: changes.Change[Any]) -> Any:
        assert change.account.seen_at >= self.account.seen_at
        assert change.account.attempts.used <= RULES.attempts.max
        assert all(event.kind in KINDS for event in change.events)
        locks = [event for event in change.events if event.kind == "account.locked"]
        assert len(locks) == (self.account.lock is None and change.account.lock is not None)
        self.account = change.account
        return change.answer

    @rule(by=st.sampled_from([1, 5, 40, 400, 4000, DAY, 9 * DAY, -50, -2 * DAY]))
    def time(self, by: int) -> None:
        self.now += by

    @rule(who=numbers, kind=kinds, live=st.integers(1, 5), code=st.booleans())
    def send(self, who: int, kind: str, live: int, code: bool) -> None:
        data = {"code": "c" * 26} if code else {"challenge": "c" * 43}
        self.keep(
            changes.issue(
                self.account, self.moment(), factor=kind, purpose="sign-in", target=kind, browser=str(who) * 20,
                data=data, ttl=600, limits=LOOSE if code else None, live=live,
            )
        )  # fmt: skip

    @rule(who=numbers, kind=factors, label=st.text(max_size=60))
    def begin(self, who: int, kind: str, label: str) -> None:
        self.keep(
            changes.begin_enrollment(
                self.account, self.moment(), factor=kind, data=SECRET, label=label,
                browser=self.handles.get(who, ""), single=TRAITS[kind].single, name=label,
            )
        )  # fmt: skip

    @rule()
    def charge(self) -> None:
        answer = self.keep(changes.charge(self.account, self.moment(), RULES))
        if isinstance(answer, Charge):
            self.charges.append(answer)

    def taken(self) -> Charge | None:
        self.charge()
        return self.charges.pop(0) if self.charges else None

    @rule(who=numbers)
    def confirm(self, who: int) -> None:
        taken = self.taken()
        if taken is None or not self.account.enrollments:
            return
        draft = self.account.enrollments[who % len(self.account.enrollments)]
        new = f"{self.step:022}"
        answer = self.keep(
            changes.settle_enrollment(
                self.account, self.moment(), RULES, self.caller(who), taken=taken, seen=draft, data=SECRET,
                challenge="", label="", traits=TRAITS[draft.factor], user_verified=False, new_handle=new,
                answer="a" * 26, refusal=None,
            )
        )  # fmt: skip
        if isinstance(answer, changes.Granted):
            self.handles[who] = new

    @rule(who=numbers, which=numbers, remember=st.booleans())
    def succeed(self, who: int, which: int, remember: bool) -> None:
        taken = self.taken()
        if taken is None or not self.account.authenticators:
            return
        mine = self.account.authenticators[which % len(self.account.authenticators)]
        new = f"{self.step:022}"
        answer = self.keep(
            changes.settle_success(
                self.account, self.moment(), RULES, self.caller(who), taken=taken, seen=mine,
                data={**SECRET, "step": self.step}, challenge="", user_verified=True, phishing_resistant=True,
                remember=remember, new_handle=new, answer="a" * 26,
            )
        )  # fmt: skip
        if isinstance(answer, changes.Granted):
            self.handles[who] = new

    @rule(free=st.booleans(), kind=kinds)
    def fail(self, free: bool, kind: str) -> None:
        taken = self.taken()
        if taken is not None:
            self.keep(
                changes.settle_failure(
                    self.account, self.moment(), RULES, taken=taken, factor=kind, reason="wrong_code", free=free
                )
            )

    @rule()
    def unlock(self) -> None:
        self.account = replace(self.account, lock=None, attempts=forgiven(self.account.attempts))

    @rule(who=numbers)
    def skip(self, who: int) -> None:
        caller = self.caller(who)
        decision = decide(DEMANDED, evidence(self.account, caller, now=self.now), self.now)
        self.keep(changes.skip(self.account, self.moment(), caller, decision=decision))

    @rule(who=numbers)
    def accept(self, who: int) -> None:
        assert RULES.agreement is not None
        self.keep(
            changes.accept_agreement(
                self.account, self.moment(), self.caller(who), agreement=RULES.agreement, version="1"
            )
        )

    @rule()
    def codes_on_paper(self) -> None:
        data = {"left": ["d" * 26] * 10, "used": []}
        self.keep(changes.replace_backup(self.account, self.moment(), factor="paper", data=data, label="Backup codes"))

    @rule(which=numbers)
    def remove(self, which: int) -> None:
        if self.account.authenticators:
            mine = self.account.authenticators[which % len(self.account.authenticators)]
            self.keep(
                changes.remove(
                    self.account, self.moment(), id=mine.id, traits=TRAITS, stage="optional", permanent=False
                )
            )

    @invariant()
    def bounded(self) -> None:
        within(self.account)

    @invariant()
    def one_of_a_single_kind(self) -> None:
        kinds = [a.factor for a in self.account.authenticators]
        assert all(kinds.count(kind) <= 1 for kind in kinds if TRAITS[kind].single)
        assert len({a.id for a in self.account.authenticators}) == len(kinds)

    @invariant()
    def never_backup_codes_alone(self) -> None:
        kinds = {a.factor for a in self.account.authenticators}
        assert kinds != {"paper"} or self.account.authenticators == ()

    @invariant()
    def comes_back_whole(self) -> None:
        assert decode(self.account.key, 0, encode(self.account)) == self.account


AnyLife.TestCase.settings = settings(
    max_examples=25, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)
test_any_life = AnyLife.TestCase


def full(*, authenticators: int, browsers: int, networks: int, proofs: int, challenges: int) -> Account:
    """An account with as much of everything as asked for, in its longest usual spelling."""
    id = draw_id(b"seed", "id")
    return Account(
        key=ANN.key,
        epoch=9,
        seen_at=NOW,
        authenticators=tuple(
            authenticator(id=f"{n:016}", label="\N{GRINNING FACE}" * 40, data={**SECRET, "step": NOW // 30},
                          last_used_at=NOW, last_network="2001:db8:ffff:ffff::")
            for n in range(authenticators)
        ),
        challenges=tuple(
            Challenge(id=f"{n:016}", factor="webauthn", purpose="sign-in", target=id, browser="b" * 22, issued_at=NOW,
                      expires_at=NOW + 600, data={"code": "c" * 26} if n % 2 else {"challenge": "c" * 43})
            for n in range(challenges)
        ),
        browsers=tuple(
            Browser(
                id=f"{n:010}", handle=f"{n:022}", label="Samsung Internet on ChromeOS", created_at=NOW, last_used_at=NOW + n,
                last_factor=id, twin=Twin(answer="a" * 26, handle="h" * 22, at=NOW), kind="client",
                proofs=tuple(
                    Proof(factor="backup-code", authenticator=id, at=NOW, network=f"2001:db8:ffff:{net:04x}::", epoch=9,
                          phishing_resistant=True, user_verified=True, session="s" * 22)
                    for net in range(networks)
                    for _ in range(proofs)
                ),
            )
            for n in range(browsers)
        ),
        skips=tuple((f"s:{n:022}", NOW) for n in range(20)),
    )  # fmt: skip


def test_the_fullest_account_is_under_16_kb() -> None:
    """An account with every bound reached at once is stored in 16 KB.

    Design 1. The browsers that were used last are kept.
    """
    of = full(authenticators=19, browsers=10, networks=5, proofs=3, challenges=16)
    assert len(encode(of)) > 2 * MAX_BYTES
    begun = changes.begin_enrollment(
        of, Moment(now=NOW, nonce=b"n" * 32), factor="app", data=SECRET, label="x" * 99, browser="b" * 22, single=False
    ).account
    within(begun)
    assert begun.authenticators == of.authenticators
    assert begun.browsers[-1].id == of.browsers[-1].id


def test_ended_challenges_go_before_a_browser() -> None:
    """A browser is forgotten only after every ended challenge is gone.

    The account gives up first the parts that are missed least.
    """
    of = full(authenticators=20, browsers=3, networks=5, proofs=2, challenges=14)
    dead = replace(of, challenges=tuple(replace(c, spent_at=NOW) for c in of.challenges))
    assert len(encode(dead)) > MAX_BYTES
    after = changes.send_failed(dead, Moment(now=NOW, nonce=b"n" * 32), challenge="", factor="app", reason="x").account
    tidied = changes.charge(after, Moment(now=NOW, nonce=b"n" * 32), RULES).account
    within(tidied)
    assert len(tidied.browsers) == 3
    assert 0 < len(tidied.challenges) < 14


def test_no_bound_costs_a_factor() -> None:
    """An account that is too large for another reason keeps every authenticator.

    S-83. It also keeps the browser that was used last.
    """
    of = full(authenticators=20, browsers=2, networks=1, proofs=1, challenges=0)
    large = replace(of, authenticators=tuple(replace(a, data={"key": "k" * 900}) for a in of.authenticators))
    after = changes.charge(large, Moment(now=NOW, nonce=b"n" * 32), RULES).account
    assert after.authenticators == large.authenticators
    assert [b.id for b in after.browsers] == [large.browsers[-1].id]


def test_ten_browsers_on_five_networks_fit() -> None:
    """A usual account keeps ten browsers with five networks each.

    D-5. The number of browsers and networks that the bounds promise is real for such an account.
    """
    of = full(authenticators=3, browsers=10, networks=5, proofs=1, challenges=3)
    after = changes.charge(of, Moment(now=NOW, nonce=b"n" * 32), RULES).account
    assert len(after.browsers) == 10
    assert all(len(b.proofs) == 5 for b in after.browsers)


def test_a_usual_account_is_under_3_kb() -> None:
    """An account of usual content takes at most 3 KB.

    It has an app, an e-mail address, ten backup codes, and two browsers with two networks each.
    """

    def text(size: int, label: str) -> str:
        return expand(b"seed", label, size).hex()[:size]

    mine = (
        Authenticator(id=text(16, "1"), factor="totp", label="Authenticator app", created_at=NOW, last_used_at=NOW,
                      data={"secret": text(84, "s"), "digits": 6, "period": 30, "step": NOW // 30},
                      last_network="2001:db8:ffff:ffff::"),
        Authenticator(id=text(16, "2"), factor="email", label="E-mail", created_at=NOW, data={"to": text(90, "e")}),
        Authenticator(id=text(16, "3"), factor="backup-code", label="Backup codes", created_at=NOW,
                      data={"left": [text(26, f"b{n}") for n in range(10)], "used": [], "kept": text(200, "k"),
                            "kept_until": NOW + 900}),
    )  # fmt: skip
    browsers = tuple(
        Browser(id=text(10, f"i{n}"), handle=text(22, f"h{n}"), label="Firefox on Windows", created_at=NOW,
                last_used_at=NOW, last_factor=mine[0].id, twin=Twin(answer=text(26, "a"), handle=text(22, "t"), at=NOW),
                proofs=tuple(Proof(factor="totp", authenticator=mine[0].id, at=NOW, network=f"2001:db8:ffff:{net}::",
                                   epoch=0, session=session_mark(ANN)) for net in (1, 2)))
        for n in range(2)
    )  # fmt: skip
    of = Account(key=ANN.key, seen_at=NOW, authenticators=mine, browsers=browsers, default=mine[0].id, name="Ann Example",
                 handle=text(43, "u"), skip_count=2)  # fmt: skip
    assert len(encode(of)) <= 3_000
