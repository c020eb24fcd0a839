"""The differences between two sets of rules, each as one edit that can be made alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ...core.durations import format_duration
from ...core.rules import AgreementRules, Rules
from ...core.spoken import Spoken
from ...factors import Registry
from ..faults import shown
from ..keys import key_for
from ..shape import Spec, leaves, specs_of, value_at
from ..strictness import Change, compare_by

AGREEMENT = "agreement"
LISTS = ("exempt", "exempt_subjects", "step_up")
ADDED: dict[str, Change] = {"exempt": "looser", "exempt_subjects": "looser", "step_up": "stricter"}
Put = Callable[[Rules], Rules]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One changed key: its dotted path, and both values as text.

    ``seen``: requests show the change; else ``change`` is its direction. ``put`` makes this edit alone in other rules, and
    ``back`` takes it back.
    """

    path: str
    old: str
    new: str
    seen: bool
    change: Change
    put: Put
    back: Put


def edits(old: Rules, new: Rules, factors: Registry) -> Iterator[Edit]:
    """List the edits that lead from ``old`` to ``new``."""
    for leaf, spec in leaves(factors).items():
        if leaf[0] == AGREEMENT and (old.agreement is None or new.agreement is None):
            continue
        before, after = value_at(old, leaf, factors), value_at(new, leaf, factors)
        if before != after or (leaf == (AGREEMENT, "file") and _digest(old) != _digest(new)):
            yield _leaf_edit(leaf, spec, old, new, factors)
    if (old.agreement is None) != (new.agreement is None):
        yield _agreement(old, new)
    for name in dict.fromkeys((*old.networks, *new.networks)):
        if old.networks.get(name) != new.networks.get(name):
            yield _network(name, old, new)
    for section in LISTS:
        for name in dict.fromkeys(rule.name for rules in (old, new) for rule in getattr(rules, section)):
            yield from _rule_edits(section, name, old, new, factors)


def _leaf_edit(leaf: tuple[str, ...], spec: Spec, old: Rules, new: Rules, factors: Registry) -> Edit:
    row = key_for(spec.owner, spec.name, factors)
    before, after = value_at(old, leaf, factors), value_at(new, leaf, factors)
    texts = (_shown(spec, before), _shown(spec, after))
    if before == after:
        texts = (_digest(old)[:12], _digest(new)[:12])
    return Edit(
        path=".".join(leaf),
        old=texts[0],
        new=texts[1],
        seen=row.seen,
        change=compare_by(row, before, after),
        put=lambda rules: _moved(rules, new, leaf, factors),
        back=lambda rules: _moved(rules, old, leaf, factors),
    )


def _moved(to: Any, source: Any, leaf: tuple[str, ...], factors: Registry) -> Any:
    """Copy the value at ``leaf`` from ``source`` into ``to``."""
    if to is None or source is None:
        return to
    spec = next(spec for spec in specs_of(type(to), factors) if spec.key == leaf[0])
    if spec.is_option:
        own, other = to.options.get(spec.key), source.options.get(spec.key)
        value = _moved(own, other, leaf[1:], factors) if len(leaf) > 1 else other
        return dataclasses.replace(to, options={**to.options, spec.key: value})
    if len(leaf) > 1:
        value = _moved(getattr(to, spec.name), getattr(source, spec.name), leaf[1:], factors)
        return dataclasses.replace(to, **{spec.name: value})
    if isinstance(to, AgreementRules) and spec.name == "file":
        return dataclasses.replace(to, file=source.file, text=source.text, digest=source.digest)
    return dataclasses.replace(to, **{spec.name: getattr(source, spec.name)})


def _agreement(old: Rules, new: Rules) -> Edit:
    """Make the edit of an agreement that begins or ends."""
    return Edit(
        path=AGREEMENT,
        old=_id(old.agreement),
        new=_id(new.agreement),
        seen=True,
        change="stricter" if new.agreement else "looser",
        put=lambda rules: dataclasses.replace(rules, agreement=new.agreement),
        back=lambda rules: dataclasses.replace(rules, agreement=old.agreement),
    )


def _network(name: str, old: Rules, new: Rules) -> Edit:
    def listed(rules: Rules) -> str:
        return shown(tuple(str(network) for network in rules.networks.get(name, ())))

    def moved(source: Rules) -> Put:
        def put(rules: Rules) -> Rules:
            others = {other: found for other, found in rules.networks.items() if other != name}
            own = {name: source.networks[name]} if name in source.networks else {}
            return dataclasses.replace(rules, networks={**others, **own})

        return put

    return Edit(
        path=f"networks.{name}",
        old=listed(old),
        new=listed(new),
        seen=True,
        change="both",
        put=moved(new),
        back=moved(old),
    )


def _rule_edits(section: str, name: str, old: Rules, new: Rules, factors: Registry) -> Iterator[Edit]:
    before, after = (next((r for r in getattr(rules, section) if r.name == name), None) for rules in (old, new))
    path = f"{section}.{name}"
    if before is None or after is None:
        change: Change = ADDED[section] if before is None else "looser" if section == "step_up" else "stricter"
        yield Edit(
            path=path,
            old="present" if before is not None else "",
            new="added" if after is not None else "",
            seen=True,
            change=change,
            put=_rule_put(section, name, after),
            back=_rule_put(section, name, before),
        )
        return
    for spec in specs_of(type(before), factors):
        values = getattr(before, spec.name), getattr(after, spec.name)
        if values[0] == values[1]:
            continue
        row = key_for(spec.owner, spec.name, factors)
        yield Edit(
            path=f"{path}.{spec.key}",
            old=_shown(spec, values[0]),
            new=_shown(spec, values[1]),
            seen=row.seen,
            change=compare_by(row, *values),
            put=_field_put(section, name, spec.name, values[1]),
            back=_field_put(section, name, spec.name, values[0]),
        )


def _rule_put(section: str, name: str, rule: Any) -> Put:
    def put(rules: Rules) -> Rules:
        others = tuple(other for other in getattr(rules, section) if other.name != name)
        return with_part(rules, section, others if rule is None else (*others, rule))

    return put


def _field_put(section: str, name: str, field: str, value: Any) -> Put:
    def put(rules: Rules) -> Rules:
        changed = tuple(
            dataclasses.replace(rule, **{field: value}) if rule.name == name else rule
            for rule in getattr(rules, section)
        )
        return with_part(rules, section, changed)

    return put


def with_part(rules: Rules, part: str, value: Any) -> Rules:
    """Replace one part of the rules."""
    return dataclasses.replace(rules, **{part: value})


def _digest(rules: Rules) -> str:
    return rules.agreement.digest if rules.agreement else ""


def _id(agreement: AgreementRules | None) -> str:
    return f"{agreement.id} {agreement.version}" if agreement else ""


def _shown(spec: Spec, value: Any) -> str:
    if value is None:
        return ""
    if spec.kind == "duration":
        return format_duration(value)
    if spec.kind == "instant":
        return datetime.fromtimestamp(value, UTC).isoformat()
    if spec.kind == "paths":
        return shown(tuple(path.text for path in value))
    if isinstance(value, Spoken) and value.by:
        return "{ " + ", ".join(f"{tag} = {shown(said)}" for tag, said in value.by.items()) + " }"
    return shown(value)
