"""Find settings that nothing uses, and values that common apps ignore."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ....core.durations import format_duration
from ....core.rules import CountRules, FreshnessRules, Policy, Rules
from ....factors.optional_parts import KnowsTraps
from ...faults import listed
from ...keys import key_for
from ...lines import Path
from ...shape import keys_of, leaves, value_at
from .remark import RULE_LISTS, Look, Remark


def _order(look: Look) -> Iterator[Remark]:
    for number, kind in enumerate(look.rules.factors.order):
        if look.written("factors", "order", number) and not _is_allowed(look, kind):
            text = f'"{kind}" is not in factors.allowed, so it is never offered'
            yield Remark("warning", ("factors", "order", number), text, "take it out, or allow it")


def _options(look: Look) -> Iterator[Remark]:
    """Find sections of factors that nobody may use, in the file or in any tenant."""
    for kind in look.factors:
        if look.written("factors", kind) and not _is_allowed(look, kind):
            text = f'"{kind}" is not in factors.allowed, so its section has no effect'
            yield Remark("note", ("factors", kind), text, f'take the section out, or allow "{kind}"')


def _is_allowed(look: Look, kind: str) -> bool:
    """Tell if these rules, or those of a tenant that takes them over, allow a factor."""
    return any(kind in rules.factors.allowed for rules in look.heirs)


def _traps(look: Look) -> Iterator[Remark]:
    """Ask each factor for values of its own that are legal and have a known trap."""
    for kind, factor in look.factors.items():
        if kind in look.rules.factors.allowed and isinstance(factor, KnowsTraps):
            for trap in factor.option_traps(look.rules):
                yield Remark("warning", trap.key, trap.text, trap.fix)


def _network_change(look: Look) -> Iterator[Remark]:
    if look.rules.freshness.ip_change.action != "log":
        return
    for name in ("trusted", "known_networks"):
        if look.written("freshness", "ip_change", name):
            text = 'a change of the network asks nothing (action = "log"), so this has no effect'
            yield Remark(
                "warning", ("freshness", "ip_change", name), text, 'take it out, or write action = "challenge"'
            )


def _networks(look: Look) -> Iterator[Remark]:
    used = {name for rules in look.heirs for name in rules.freshness.ip_change.trusted}
    for name in look.rules.networks:
        if name not in used and look.written("networks", name):
            text = "no freshness.ip_change.trusted names this network, so it has no effect"
            yield Remark("warning", ("networks", name), text, "name it there, or take it out")


def _classes(look: Look) -> Iterator[Remark]:
    freshness = look.rules.freshness
    if freshness.phishing_resistant_acr == FreshnessRules().phishing_resistant_acr:
        return
    for number, word in enumerate(freshness.phishing_resistant_acr):
        if word not in freshness.trust_acr and look.written("freshness", "phishing_resistant_acr"):
            text = f'"{word}" is not in freshness.trust_acr, so no sign-in with it counts'
            place: Path = ("freshness", "phishing_resistant_acr", number)
            yield Remark("warning", place, text, "add it there, or take it out here")


def _sends(look: Look) -> Iterator[Remark]:
    sends = look.rules.sends
    if sends.cap_per_day is None:
        for name in ("price", "warn_at"):
            if look.written("sends", name):
                text = "there is no sends.cap_per_day, so it has no effect"
                yield Remark("warning", ("sends", name), text, "add cap_per_day, or take it out")
    channels = {look.traits[kind].sends for kind in look.rules.factors.allowed if kind in look.traits}
    for channel in keys_of(type(sends.price)):
        if channel not in channels and look.written("sends", "price", channel):
            text = f"no factor in factors.allowed sends by {channel}"
            yield Remark("note", ("sends", "price", channel), text, "take the price out, or allow the factor")


def _resends(look: Look) -> Iterator[Remark]:
    """Find bounds on repeated codes that another bound makes unreachable."""
    for kind, options in look.rules.factors.options.items():
        resend, code = getattr(options, "resend", None), getattr(options, "code", None)
        if kind not in look.rules.factors.allowed or resend is None or isinstance(resend, CountRules):
            continue
        path: Path = ("factors", kind, "resend")
        if resend.per_hour > resend.per_day:
            text = f"{resend.per_hour} is more than per_day = {resend.per_day}, so it is never reached"
            yield Remark("warning", (*path, "per_hour"), text, "write a smaller number, or a larger per_day")
        if resend.wait * (resend.per_hour - 1) >= 3600:
            text = (
                f'a wait of "{format_duration(resend.wait)}" allows fewer than per_hour = {resend.per_hour} in an hour'
            )
            yield Remark("warning", (*path, "per_hour"), text, "write a smaller number, or a shorter wait")
        if code is not None and code.ttl <= resend.wait:
            text = f'a code ends before the next one may be sent (wait = "{format_duration(resend.wait)}")'
            yield Remark("warning", ("factors", kind, "code", "ttl"), text, "write a longer ttl, or a shorter wait")


def _ages(look: Look) -> Iterator[Remark]:
    age, usual = look.rules.roles.actor_max_age, look.rules.freshness.max_age
    if age > usual:
        text = f'"{format_duration(age)}" is longer than freshness.max_age, which applies as well'
        yield Remark("warning", ("roles", "actor_max_age"), text, "write a shorter time")


def _brand(look: Look) -> Iterator[Remark]:
    brand = look.rules.brand
    if not brand.show_name and not brand.logo:
        text = "the name is not shown and there is no logo: pages do not say whose they are"
        yield Remark("warning", ("brand", "show_name"), text, "name a logo, or show the name")


def _empty_lists(look: Look) -> Iterator[Remark]:
    """Find empty lists of a tenant, whose rules only add to those of the file."""
    for section in RULE_LISTS:
        inherited, own = getattr(look.policy.base, section), getattr(look.rules, section)
        if look.tenant and look.written(section) and inherited and len(own) == len(inherited):
            text = f"a tenant's rules are added to the file's {len(inherited)}; an empty list takes none of them away"
            yield Remark(
                "warning", (section,), text, "take the line out; move the file's rules to the tenants they are for"
            )
    known = look.policy.base.networks
    if look.tenant and look.written("networks") and known and look.rules.networks == known:
        text = f"a tenant's networks are added to the file's {len(known)}; this adds none and takes none away"
        yield Remark("warning", ("networks",), text, "take the line out, or name a network of the tenant's own")


def _nudge(look: Look) -> Iterator[Remark]:
    """Find an offer of a stronger factor that is never made, and its idle parts."""
    nudge, path = look.rules.enrollment.nudge, ("enrollment", "nudge")
    written = [name for name in keys_of(type(nudge)) if look.written(*path, name)]
    if not written or (written == ["max"] and not nudge.max):
        return
    if never := _never_offered(look, look.rules):
        name, text, fix = never
        if all(_never_offered(look, rules) for rules in look.heirs):
            yield Remark(
                "warning", (*path, name) if name in written else path, f"{text}, so nothing is ever offered", fix
            )
        return
    offers = [rules.enrollment.nudge for rules in look.heirs]
    if "every" in written and all(offer.max <= 1 for offer in offers):
        text = "a person gets the offer once (max = 1), so this has no effect"
        yield Remark("warning", (*path, "every"), text, "take it out, or write a larger max")
    for number, kind in enumerate(nudge.after):
        faults = [_never_before(look, offer.to, kind) for offer in offers]
        if look.written(*path, "after", number) and all(faults):
            text = f"{faults[0]}, so nothing is offered after it"
            yield Remark("warning", (*path, "after", number), text, "take it out")


def _never_offered(look: Look, rules: Rules) -> tuple[str, str, str] | None:
    """Name the key, the reason and the fix where these rules never make the offer, else None."""
    nudge = rules.enrollment.nudge
    if not nudge.max:
        return "max", "max = 0", "write a larger max, or take the other keys of the section out"
    if nudge.to not in rules.factors.allowed:
        return "to", f'"{nudge.to}" is not in factors.allowed', "name an allowed factor, or allow it"
    if look.factors.is_backup(nudge.to):
        return "to", f'"{nudge.to}" only stands in for other factors', "name another factor"
    if not any(kind in rules.factors.allowed and not _never_before(look, nudge.to, kind) for kind in nudge.after):
        text = f'no factor in factors.allowed is one after whose proof "{nudge.to}" could be offered'
        return "after", text, "name weaker factors in after, or allow them"
    if nudge.groups_any and set(nudge.groups_any) <= set(nudge.groups_none):
        return "groups_any", "groups_none excludes all of these groups", "name the groups in one of the two"
    return None


def _never_before(look: Look, to: str, kind: str) -> str:
    """Find the reason for no offer of ``to`` after a proof by ``kind``; "" for none."""
    if kind == to:
        return f'a person who proves by "{kind}" has it already'
    if look.factors.is_backup(kind):
        return f'"{kind}" only stands in for other factors'
    return "" if _is_allowed(look, kind) else f'"{kind}" is not in factors.allowed'


def _tenants(look: Look) -> Iterator[Remark]:
    policy = look.policy
    for tenant, rules in policy.tenants.items():
        if rules == policy.base and policy.tenants_are == "open":
            text = "this section changes nothing"
            yield Remark("note", ("tenants", tenant), text, "take it out, or write its keys")


def _rails(look: Look) -> Iterator[Remark]:
    """Find limits that every tenant, or no tenant, stays within."""
    for name, limits in look.policy.rails.items():
        leaf, place = tuple(name.split(".")), _rail_place(look.policy, name)
        spec = leaves(look.factors)[leaf]
        row = key_for(spec.owner, spec.name, look.factors)
        if not any(limit is not False for limit in limits.values()):
            yield Remark("warning", place, "it limits nothing", "give it a limit, or take it out")
        for key, own, is_wider in (("min", row.low, int.__le__), ("max", row.high, int.__ge__)):
            limit = limits.get(key)
            if isinstance(limit, int) and own is not None and is_wider(limit, own) and key in limits:
                text = f"the key takes nothing {'below' if key == 'min' else 'above'} it anyway"
                yield Remark("warning", (*place, key), text, "write a narrower limit, or take it out")
        least, start = limits.get("at_least"), value_at(look.policy.base, leaf, look.factors)
        most = len(start or ()) if limits.get("subset") else len(row.one_of) or None
        if isinstance(least, int) and most is not None and least > most:
            text = f"there are only {most} to name, so no tenant can write this key"
            yield Remark("warning", (*place, "at_least"), text, f"write {most} or less")
        has_direction = row.is_ordered or leaf == ("enrollment", "stage")
        if limits.get("only_stricter") and not has_direction:
            text = "no value of this key is stricter than another, so no tenant can change it"
            yield Remark("warning", (*place, "only_stricter"), text, "take it out, or accept that the value is fixed")


def _rail_place(policy: Policy, name: str) -> Path:
    """Find the place of a rail, whose name is one key in quotes or several with dots."""
    whole: Path = ("rails", name)
    return whole if whole in policy.lines else ("rails", *name.split("."))


def _rules_off(look: Look) -> Iterator[Remark]:
    """Find step-up rules in a stage without any second factor.

    Where the stage is written, there are no dates.
    """
    if look.rules.enrollment.stage == "off" and look.rules.step_up and look.written("enrollment", "stage"):
        names = listed(rule.name for rule in look.rules.step_up)
        text = f"in this stage step-up {names} asks nothing"
        yield Remark("warning", ("step_up",), text, "write another enrollment.stage, or take the rules out")


ALL: tuple[Callable[[Look], Iterator[Remark]], ...] = (
    _order,
    _options,
    _traps,
    _network_change,
    _networks,
    _classes,
    _sends,
    _resends,
    _ages,
    _brand,
    _nudge,
    _empty_lists,
    _rules_off,
)
ON_FILE: tuple[Callable[[Look], Iterator[Remark]], ...] = (_tenants, _rails)
