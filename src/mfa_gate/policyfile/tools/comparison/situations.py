"""The classes of situations: factors, proofs, places, and the state of the account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Literal

from ....core.assurance import Traits
from ....core.policy import Demand, factors_for
from ....core.rules import DAY, Rules, TenantSettings
from .pair import Pair
from .places import HERE, Place, places

Session = Literal["this", "earlier"]
"""The sign-in of the host in which something happened."""
Demands = tuple[Demand, ...]
SIZES = (DAY, 3600, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An authenticator of a kind. ``verified``: it has verified its user."""

    kind: str
    verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A sign-in at an identity provider, by one of its words."""

    amr: str = ""
    acr: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The factors that a person has, and the one that made the proof.

    That is an authenticator, a sign-in elsewhere, or none.
    """

    holds: tuple[Held, ...] = ()
    proven_by: Held | Login | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The state of an account that is not the usual one.

    ``lock`` is the cause of a lock, ``wrong`` the number of wrong answers in a row, ``granted`` a break-glass grant.
    ``skips``: how often the enrollment was skipped, the last time in this sign-in if ``skipped``.
    """

    lock: str = ""
    wrong: int = 0
    granted: bool = False
    skipped: bool = False
    skips: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Everything about a situation besides the factors and the age of the proof.

    ``session`` is the sign-in of the proof. ``agreed`` is the one in which the old policy's agreement was accepted,
    "" for never: nobody can have accepted the new one yet.
    """

    state: State = State()
    place: Place = HERE
    session: Session = "this"
    agreed: Session | Literal[""] = "this"

    @property
    def is_here(self) -> bool:
        """Tell if a proof was made in this sign-in, at the usual place."""
        return self.place == HERE and self.session == "this"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The situation of a person at a request. ``age`` is that of the proof, in seconds."""

    holder: Holder
    age: int = 0
    around: Circumstances = Circumstances()


def holders(pair: Pair, demands: Demands) -> Sequence[Holder]:
    """List the people by their factors.

    These are the factors one by one, with and without a proof, then two together, then none. Kinds that the policies
    and ``demands`` treat alike count as one. One proof is enough: no decision looks at two together. Two factors
    without a proof show which of them may answer.
    """
    held = _held(pair, demands)
    logins = _logins(pair)
    found = [Holder(holds=(one,), proven_by=one) for one in held]
    found += [Holder(holds=(one,)) for one in held]
    found += [Holder(holds=two) for two in combinations(held, 2)]
    found.append(Holder())
    owned: tuple[tuple[Held, ...], ...] = ((), *((one,) for one in held))
    found += [Holder(holds=some, proven_by=login) for login in logins for some in owned]
    return found


def _held(pair: Pair, demands: Demands) -> Sequence[Held]:
    nobody = TenantSettings(tenant="")
    allowed = [factors_for(rules, nobody) for rules in pair.both]
    named = {demand.factors_any for demand in demands if demand.factors_any}
    verifies = any(demand.user_verification for demand in demands)
    found: dict[object, list[Held]] = {}
    order = dict.fromkeys(kind for rules in pair.both for kind in (*rules.factors.order, *rules.factors.allowed))
    choosing = any(rules.factors.choice == "tenant" for rules in pair.both)
    for kind, traits in ((kind, pair.traits[kind]) for kind in order if kind in pair.traits):
        alike = (_alike(traits), *(kind in kinds for kinds in (*allowed, *named)), kind if choosing else "")
        both = (False, True) if verifies and traits.verifies_user else (False,)
        found.setdefault(alike, [Held(kind=kind, verified=verified) for verified in both])
    return [one for same in found.values() for one in same]


def _alike(traits: Traits) -> tuple[bool, bool, bool]:
    return traits.phishing_resistant, traits.verifies_user, traits.backup


def _logins(pair: Pair) -> Sequence[Login]:
    """List one word of an identity provider for each way in which the policies trust it."""
    trusted = [rules.freshness for rules in pair.both]
    found: dict[tuple[bool, ...], Login] = {}
    for word in (word for freshness in trusted for word in freshness.trust_amr):
        found.setdefault((True, *(word in freshness.trust_amr for freshness in trusted)), Login(amr=word))
    for word in (word for freshness in trusted for word in freshness.trust_acr):
        marks = (word in words for freshness in trusted for words in (freshness.trust_acr, freshness.strong_acr))
        found.setdefault((False, *marks), Login(acr=word))
    return tuple(found.values())


def ages(demands: Demands) -> Sequence[int]:
    """List one age between each two bounds, and one beyond the last, in round numbers."""
    steps = sorted({0, *(demand.max_age for demand in demands)})
    return [_round(low, high) for low, high in zip(steps, (*steps[1:], 2 * steps[-1] or DAY), strict=True)]


def _round(low: int, high: int) -> int:
    middle = (low + high) // 2
    return next((middle // size * size for size in SIZES if low <= middle // size * size > 0), middle)


def circumstances(pair: Pair) -> Sequence[Circumstances]:
    """List the usual circumstances, then others with one thing that is not as usual.

    Each thing is looked at by itself in a decision: the place and the sign-in of a proof say if it counts, a lock and a
    grant come before it, and the agreement comes last. So two of them together show nothing new.
    """
    found = [Circumstances(), *(Circumstances(state=state) for state in _states(pair))]
    found += [Circumstances(place=place) for place in places(pair)]
    if pair.old.freshness.remember != pair.new.freshness.remember:
        found.append(Circumstances(session="earlier"))
    if pair.old.agreement is not None:
        found += [Circumstances(agreed=""), Circumstances(agreed="earlier")]
    return found


def _states(pair: Pair) -> Sequence[State]:
    """List the states of an account that one of the policies can treat in its own way."""
    found = [State(lock="attempts"), State(lock="administrator"), State(granted=True)]
    most = {rules.attempts.max for rules in pair.both}
    if len(most) > 1:
        found.append(State(wrong=min(most)))
    if any(_is_optional(rules) for rules in pair.both):
        counts = {1, *(rules.enrollment.skip.max for rules in pair.both)} - {0}
        found += [State(skips=count, skipped=skipped) for count in sorted(counts) for skipped in (True, False)]
    return found


def _is_optional(rules: Rules) -> bool:
    return rules.enrollment.stage == "optional" or rules.enrollment.optional_from is not None


def situations(pair: Pair, demands: Demands) -> Sequence[Situation]:
    """Make the situations that ``demands`` (those of both sides) can tell apart, each once.

    A grant is for a person without a proof, and only a person without a factor can skip the enrollment. Without a
    proof, its age, place and sign-in make no difference.
    """
    people, found = holders(pair, demands), dict[Situation, None]()
    passing = _simplest(people, pair)
    for around, age in product(circumstances(pair), ages(demands)):
        for holder in people if around.is_here else passing:
            found[_situation(around, holder, age)] = None
    return tuple(found)


def _simplest(people: Sequence[Holder], pair: Pair) -> Sequence[Holder]:
    """Pick one proof by an authenticator that both allow, and one by a sign-in elsewhere.

    The place and the sign-in of a proof only say if it counts, so one proof shows this for all others.
    """
    allowed = [factors_for(rules, TenantSettings(tenant="")) for rules in pair.both]

    def is_usual(by: Held | Login | None) -> bool:
        return isinstance(by, Held) and not pair.traits[by.kind].backup and all(by.kind in kinds for kinds in allowed)

    held = [holder for holder in people if is_usual(holder.proven_by)]
    logins = [holder for holder in people if isinstance(holder.proven_by, Login)]
    return (*held[:1], *logins[:1]) if held else people


def _situation(around: Circumstances, holder: Holder, age: int) -> Situation:
    if around.state.granted:
        holder = replace(holder, proven_by=None)
    if around.state.skips:
        holder = Holder()
    if holder.proven_by is None:
        around, age = replace(around, place=HERE, session="this"), 0
    return Situation(holder=holder, age=age, around=around)
