"""Check the keys against each other: contradictions, dead ends, codes that can be guessed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ..core.assurance import TraitsOf, could_meet
from ..core.durations import format_duration
from ..core.model import Seconds
from ..core.policy import Demand, demand_of, factors_for, sign_in_could_meet
from ..core.rules import METHODS, PathRule, Rules, StepUpRule, TenantSettings
from ..factors import Registry
from ..factors.optional_parts import ChecksOptions
from .faults import Report, dotted, listed
from .lines import Path
from .shape import keys_of

ALLOWED: Path = ("factors", "allowed")
FIX = "allow a factor that does, or let the rule ask for less"
NOBODY_PICKED = TenantSettings(tenant="")
MOST_GUESSABLE = 1.0e-4
"""Attempts times values that are right at once, over all values there are (S-42; SP 800-63B-4 3.2.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Hold the rules of one tenant that are checked, and the report of their faults.

    ``tenant`` is "" for the file's own rules.
    """

    rules: Rules
    tenant: str
    report: Report

    @property
    def traits(self) -> TraitsOf:
        """The traits of the factors there are."""
        return self.report.factors.traits

    def say(self, path: Path, text: str, *involved: Path) -> None:
        """Report a fault at ``path``.

        Nothing is reported where ``path``, or another key ``involved``, is known to be faulty already.
        """
        if not self.report.spoiled(path, *involved, tenant=self.tenant):
            self.report.add(self.report.where(self.tenant, path), text, tenant=self.tenant)


def cross_check(checked: Checked) -> None:
    """Run every check on the rules of one tenant."""
    for check in CHECKS:
        check(checked)


def check_everybody(report: Report, rules: Rules, tenants: Collection[str]) -> None:
    """Check the rules of the file itself.

    Step-up rules for named ``tenants`` alone are left out: they are checked with each tenant's rules.
    """
    step_up = tuple(rule for rule in rules.step_up if not rule.tenants_any or not {*rule.tenants_any} <= {*tenants})
    cross_check(Checked(rules=replace(rules, step_up=step_up), tenant="", report=report))


def check_tenant(report: Report, rules: Rules, tenant: str) -> None:
    """Check the rules of one tenant, with the step-up rules that are the tenant's."""
    step_up = tuple(rule for rule in rules.step_up if rule.is_in(tenant))
    cross_check(Checked(rules=replace(rules, step_up=step_up), tenant=tenant, report=report))


def factors_besides_backup(rules: Rules, traits: TraitsOf) -> tuple[str, ...]:
    """List the allowed factors that count alone."""
    return tuple(kind for kind in rules.factors.allowed if kind not in traits or not traits[kind].backup)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadEnd:
    """Name step-up rules that can meet in one request, and that no factor meets together.

    ``text`` says so to their owner.
    """

    rules: tuple[StepUpRule, ...]
    text: str


def dead_ends(rules: Rules, allowed: tuple[str, ...], traits: TraitsOf) -> tuple[DeadEnd, ...]:
    """Find rules, alone or together in one request, that nobody could meet by ``allowed``.

    One proof meets all demands of a request (decisions 36), so some factor must do for all rules that can come together.
    A report-only rule is checked alone too, because it is meant to be enforced one day.
    """
    found = []
    ways: list[Callable[[Demand], bool]] = [partial(_could, kind, traits) for kind in allowed]
    if rules.freshness.strong_acr:
        ways.append(partial(sign_in_could_meet, rules.freshness))
    alone = [rule for rule in rules.step_up if not any(meets(_demand(rule)) for meets in ways)]
    for rule in alone:
        text = f'step-up "{rule.name}" asks for {_wanted(rule)}, and only {listed(allowed)} can be used; {FIX}'
        found.append(DeadEnd(rules=(rule,), text=text))
    live = tuple(rule for rule in rules.step_up if not rule.report_only and rule not in alone)
    failed_by = [frozenset(rule for rule in live if not meets(_demand(rule))) for meets in ways]
    for clash in _clashes(live, failed_by):
        *others, last = clash
        names = listed([rule.name for rule in others])
        text = f"with {names} it covers the same requests, and no factor that can be used does for all of them; {FIX}"
        found.append(DeadEnd(rules=(last, *others), text=text))
    return tuple(found)


def _wanted(rule: StepUpRule) -> str:
    if not rule.phishing_resistant and not rule.user_verification:
        return f"one of {listed(rule.factors_any)}"
    kind = "a phishing-resistant factor" if rule.phishing_resistant else "a factor"
    among = f" among {listed(rule.factors_any)}" if rule.factors_any else ""
    return f"{kind}{among}{' that verifies its user' if rule.user_verification else ''}"


def _clashes(live: tuple[StepUpRule, ...], failed_by: list[frozenset[StepUpRule]]) -> Iterator[tuple[StepUpRule, ...]]:
    """Find each smallest set of rules of one request that nobody can meet.

    For every way to confirm, ``failed_by`` has the rules that it does not do for.
    """
    told: list[frozenset[str]] = []
    for chosen in sorted(_hitting(frozenset(), failed_by), key=len):
        names = frozenset(rule.name for rule in chosen)
        if not any(known <= names for known in told):
            told.append(names)
            yield tuple(rule for rule in live if rule in chosen)


def _hitting(chosen: frozenset[StepUpRule], failed_by: list[frozenset[StepUpRule]]) -> Iterator[frozenset[StepUpRule]]:
    """Add to ``chosen`` a rule of each set that has none of it yet.

    All that are chosen can meet in one request.
    """
    if not failed_by:
        yield chosen
        return
    first, *others = failed_by
    if first & chosen:
        yield from _hitting(chosen, others)
        return
    for rule in sorted(first, key=lambda rule: rule.name):
        if can_meet_in_one_request((*chosen, rule)):
            yield from _hitting(chosen | {rule}, others)


def guess_chances(rules: Rules, factors: Registry) -> Iterator[tuple[Path, str, float]]:
    """Compute the chance that a code is guessed before the lock, for each factor with codes.

    Yields the path of the key, the arithmetic as text, and the chance.
    """
    for kind, factor in factors.items():
        shape = factor.code(rules) if kind in rules.factors.allowed else None
        if shape is None or shape.letters:
            continue
        tries, path = rules.attempts.max, ("factors", kind, *shape.option)
        chance = tries * shape.valid / 10**shape.length
        yield path, f"{tries} attempts x {shape.valid} valid codes / 10^{shape.length}", chance


def _guess_bound(checked: Checked) -> None:
    report, tenant, attempts = checked.report, checked.tenant, ("attempts", "max")
    chances = list(guess_chances(checked.rules, report.factors))
    sound = [not report.spoiled(path, attempts, tenant=tenant) for path, _, _ in chances]
    for (path, sum_text, chance), is_sound in zip(chances, sound, strict=True):
        if chance > MOST_GUESSABLE and is_sound:
            own = report.where(tenant, path)
            place = own if not tenant or own[:1] == ("tenants",) else report.where(tenant, attempts)
            text = (
                f"{sum_text} = {chance:.1e} is above {MOST_GUESSABLE:.1e}; use more digits, fewer live codes, or a "
                "smaller attempts.max"
            )
            report.add(place, text if place == own else f"{dotted(path)}: {text}", tenant=tenant)


def _backup_alone(checked: Checked) -> None:
    if not factors_besides_backup(checked.rules, checked.traits):
        checked.say(("factors", "allowed"), "a backup code stands in for another factor; allow one besides it")


def _order(checked: Checked) -> None:
    for kind in checked.rules.factors.order:
        if kind in checked.traits and checked.traits[kind].backup:
            checked.say(("factors", "order"), f'"{kind}" is never the first offer; take it out')


def _step_up(checked: Checked) -> None:
    rules = checked.rules
    for rule in rules.step_up:
        if rule.max_age is None and not _demand(rule).is_strong:
            checked.say(
                checked.report.place_of(rule, checked.tenant),
                "it demands nothing; give it max_age, factors_any, phishing_resistant or user_verification",
            )
    narrowed = checked.report.where(checked.tenant, ALLOWED)
    ends = dead_ends(rules, factors_for(rules, NOBODY_PICKED), checked.traits)
    places = [[checked.report.place_of(rule, checked.tenant) for rule in end.rules] for end in ends]
    sound = [not checked.report.spoiled(ALLOWED, *paths, tenant=checked.tenant) for paths in places]
    for end, paths, is_sound in zip(ends, places, sound, strict=True):
        # The tenant made this dead end by its narrower list of factors, unless one of the rules is its own as well.
        inherited = narrowed != ALLOWED and all(path[:1] != narrowed[:1] for path in paths)
        if is_sound:
            checked.report.add(narrowed if inherited else paths[0], end.text, tenant=checked.tenant)


def _calendar(checked: Checked) -> None:
    enrollment = checked.rules.enrollment
    first, then = enrollment.optional_from, enrollment.required_from
    if first is not None and then is not None and then < first:
        checked.say(
            ("enrollment", "required_from"),
            "it lies before optional_from; swap the two",
            ("enrollment", "optional_from"),
        )


def _freshness(checked: Checked) -> None:
    freshness = checked.rules.freshness
    if freshness.renew_early >= freshness.max_age:
        checked.say(
            ("freshness", "renew_early"),
            f'"{format_duration(freshness.renew_early)}" is not less than max_age '
            f'"{format_duration(freshness.max_age)}": every page would ask',
            ("freshness", "max_age"),
        )
    for position, name in enumerate(freshness.ip_change.trusted):
        if name not in checked.rules.networks:
            known = f"; known: {listed(checked.rules.networks)}" if checked.rules.networks else ""
            checked.say(
                ("freshness", "ip_change", "trusted", position),
                f'there is no network "{name}" in [networks]{known}',
                ("networks",),
            )


def _attempts(checked: Checked) -> None:
    attempts = checked.rules.attempts
    if attempts.rolling.max < attempts.max:
        checked.say(
            ("attempts", "rolling", "max"),
            f"{attempts.rolling.max} is below attempts.max = {attempts.max}, which could never be used up",
            ("attempts", "max"),
        )


def _options(checked: Checked) -> None:
    """Ask each factor about its own options."""
    for kind, factor in checked.report.factors.items():
        if isinstance(factor, ChecksOptions):
            for fault in factor.option_faults(checked.rules):
                section: Path = ("factors", kind)
                checked.say((*section, *fault.key), fault.text, (*section, *fault.other))


def _sends(checked: Checked) -> None:
    """Report a cap that is below the price of one message, and a cap without prices.

    The first would switch the channel off for good. The second caps nothing.
    """
    sends, cap = checked.rules.sends, checked.rules.sends.cap_per_day
    if cap is None:
        return
    path: Path = ("sends", "cap_per_day")
    prices = {channel: getattr(sends.price, channel) for channel in keys_of(type(sends.price))}
    for kind in checked.rules.factors.allowed:
        channel = checked.traits[kind].sends if kind in checked.traits else ""
        price = prices.get(channel, 0)
        if price > cap:
            checked.say(
                path,
                f"{cap} is below the price of one message (sends.price.{channel} = {price}): none would ever be sent; "
                f'give it {price} or more, or take "{kind}" out of factors.allowed',
                ("sends", "price", channel),
            )
    if not any(prices.values()):
        checked.say(path, f"{cap} caps nothing while nothing has a price; give sends.price = {{ sms = …, voice = … }}")


def _names(checked: Checked) -> None:
    for section in ("exempt", "exempt_subjects", "step_up"):
        seen: set[str] = set()
        for rule in getattr(checked.rules, section):
            if rule.name in seen:
                path = (*checked.report.place_of(rule, checked.tenant), "name")
                checked.say(path, f'a second rule is named "{rule.name}"; names tell rules apart')
            seen.add(rule.name)


def _exemptions(checked: Checked) -> None:
    for rule in checked.rules.exempt:
        if any(path.text == "/**" for path in rule.paths):
            path = (*checked.report.place_of(rule, checked.tenant), "paths")
            checked.say(path, 'it exempts the whole app; set enrollment.stage = "off" to ask for nothing')


def _demand(rule: StepUpRule) -> Demand:
    return demand_of(rule, Seconds(rule.max_age or 0))


def _could(kind: str, traits: TraitsOf, demand: Demand) -> bool:
    """Tell if a factor could meet ``demand``. An unknown kind could; a warning tells of it."""
    if kind in traits:
        return could_meet(kind, demand, traits)
    return not demand.factors_any or kind in demand.factors_any


def can_meet_in_one_request(rules: Sequence[StepUpRule]) -> bool:
    """Tell if some request of some subject can fall under all of ``rules``."""
    methods = [set(rule.methods or METHODS) for rule in rules]
    if not set.intersection(*methods):
        return False
    tenants = [set(rule.tenants_any) for rule in rules if rule.tenants_any]
    if tenants and not set.intersection(*tenants):
        return False
    # Take a person in all groups that are asked for and in none that is ruled out. If a rule does not cover that person,
    # nobody falls under all rules.
    refused = {group for rule in rules for group in rule.groups_none}
    if any(rule.groups_any and set(rule.groups_any) <= refused for rule in rules):
        return False
    # Paths are trees and leaves of trees: if all of them meet, the root of one lies in all others.
    return any(
        all(any(path.covers(root) for path in rule.paths) for rule in rules)
        for root in {_root(path) for rule in rules for path in rule.paths}
    )


def _root(path: PathRule) -> str:
    return path.text[1:] if path.text.startswith("=") else path.text[:-3]


CHECKS: tuple[Callable[[Checked], None], ...] = (
    _guess_bound,
    _backup_alone,
    _order,
    _step_up,
    _calendar,
    _freshness,
    _attempts,
    _options,
    _sends,
    _names,
    _exemptions,
)
