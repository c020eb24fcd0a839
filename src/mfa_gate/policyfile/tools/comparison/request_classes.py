"""The classes of requests: path, method, groups, date, and the choices of administrators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....core.policy import Facts, factors_for, is_chosen
from ....core.rules import METHODS, TenantSettings
from .axes import Axis
from .pair import Pair
from .paths import Path, paths
from .people import MOST, Person, people

UNKNOWN_METHOD = "PROPFIND"
"""A method that no policy can name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestClass:
    """A request that stands for all that the policies judge like it. ``at`` is in UTC seconds."""

    path: str
    clean: bool
    method: str
    person: Person
    at: int
    settings: TenantSettings

    @property
    def facts(self) -> Facts:
        """Return the facts that the policy looks at."""
        return Facts(
            tenant=self.settings.tenant,
            groups=frozenset(self.person.groups),
            method=self.method,
            path=self.path,
            clean=self.clean,
            acting=self.person.acting,
        )


def methods(pair: Pair) -> Sequence[str]:
    """List one method for each set of rules that name it; a HEAD counts as a GET."""
    rules = (*pair.listed("exempt"), *pair.listed("step_up"))
    found: dict[tuple[bool, ...], str] = {}
    for method in (*METHODS, UNKNOWN_METHOD):
        same = ("GET", "HEAD") if method == "HEAD" else (method,)
        named = (not any(one in rule.methods for one in same) for rule in rules)
        found.setdefault((method == UNKNOWN_METHOD, *named), method)
    return tuple(found.values())


def dates(pair: Pair) -> Sequence[int]:
    """List now, and each later moment at which a policy changes by itself."""
    found = {
        at
        for rules in pair.both
        for at in (
            *(rule.expires_at for rule in rules.exempt),
            *(rule.expires_at for rule in rules.exempt_subjects),
            rules.enrollment.optional_from,
            rules.enrollment.required_from,
        )
        if at is not None and at > pair.now
    }
    return (pair.now, *sorted(found))


def tenant_settings(pair: Pair) -> Sequence[TenantSettings]:
    """List the choices of administrators: turned on or not, and one of the factors."""
    turned = (1, 0) if any(is_chosen(rules.enrollment) for rules in pair.both) else (1,)
    choices: tuple[tuple[str, ...], ...] = ((),)
    if any(rules.factors.choice == "tenant" for rules in pair.both):
        kinds = dict.fromkeys(kind for rules in pair.both for kind in factors_for(rules, TenantSettings(tenant="")))
        choices += tuple((kind,) for kind in kinds)
    return tuple(
        TenantSettings(tenant=pair.tenant, enabled_at=at, factors=picked) for at in turned for picked in choices
    )


def request_class(values: tuple[Path, str, Person, int, TenantSettings]) -> RequestClass:
    """Make the class of one combination of ``AXES``."""
    (path, clean), method, person, at, settings = values
    return RequestClass(path=path, clean=clean, method=method, person=person, at=at, settings=settings)


AXES = (
    Axis(name="paths", values=paths),
    Axis(name="methods", values=methods),
    Axis(name="combinations of groups", values=people, most=MOST),
    Axis(name="dates", values=dates),
    Axis(name="choices of administrators", values=tenant_settings),
)
