"""Judge each real route of an app under a policy, and find rules that match none of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...core.assurance import dead_end
from ...core.policy import SIGN_OUT, Demand, Facts, freed, is_leaving, requirement_for, with_endpoint
from ...core.rules import METHODS, Exemption, PathRule, Policy, StepUpRule, TenantSettings
from ...factors import BUILT_IN, Registry
from .endpoints import DEEPEST, demands_of, lost_at, written

_PARAMETER = re.compile(r"{([a-zA-Z_][a-zA-Z0-9_]*)(?::[a-zA-Z_][a-zA-Z0-9_]*)?}")
SAMPLES = ("x", "1", "1.5", "00000000-0000-4000-8000-000000000000")
INSIDE = "{anything}"
WEBSOCKET = "WEBSOCKET"


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """Describe one address of the app: text, regex, one path that it answers, methods.

    ``demands`` are those that its endpoint shows, ``lost`` the faults that keep one from being asked.
    """

    template: str
    regex: str
    sample: str
    methods: tuple[str, ...]
    demands: tuple[Demand, ...] = ()
    lost: tuple[str, ...] = ()

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Compile ``regex``, not before somebody asks: the start of an app does not."""
        return re.compile(self.regex)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRow:
    """Describe the demand on one route and method.

    ``partly`` names rules that cover some of its paths only. ``endpoint`` lists the demands of the code itself, as they are
    written there, and ``lost`` those that are never asked, with the fix. ``dead_end`` names demands of file and code that
    no factor meets together, so that nobody passes.
    """

    method: str
    template: str
    outcome: str
    rules: tuple[str, ...] = ()
    partly: tuple[str, ...] = ()
    endpoint: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    dead_end: str = ""


def leaves_of(app: Any) -> tuple[Leaf, ...]:
    """List every address of ``app``, through middleware, mounts and included routers.

    Raises ``ValueError`` for an app without routes.
    """
    routes = routes_of(app)
    if routes is None:
        raise ValueError("the app has no routes that can be listed; name a Starlette or FastAPI app")
    return tuple(_walk(routes, "", {}, DEEPEST))


def routes_of(app: Any) -> list[Any] | None:
    """List the routes of an app or a mount, below the middleware around it.

    Returns None where nothing has any.
    """
    owner = owner_of_routes(app)
    return None if owner is None else list(owner.routes)


def owner_of_routes(app: Any) -> Any | None:
    """Find the part of an app or a mount that has the routes; None if no part has any."""
    found = None
    at = app
    for _ in range(DEEPEST):
        own = getattr(at, "routes", None)
        if isinstance(own, Iterable):
            found = at
            # A mount has routes of its own, and none where middleware is around the mounted app.
            if own:
                break
        at = getattr(at, "app", None)
    return found


def rows_for(
    policy: Policy,
    leaves: Iterable[Leaf],
    *,
    tenant: str,
    groups: frozenset[str],
    now: int,
    sign_out: str = "",
    factors: Registry = BUILT_IN,
) -> list[RouteRow]:
    """Judge each of ``leaves`` for a person in ``groups`` of ``tenant``, which is turned on.

    ``sign_out`` is the host's own sign-out, which the gate lets pass; "" for none.
    """
    rules = policy.rules_for(tenant)
    settings = TenantSettings(tenant=tenant, enabled_at=1)
    ruled: tuple[Exemption | StepUpRule, ...] = (*rules.exempt, *rules.step_up)
    found = []
    for leaf in leaves:
        for method in leaf.methods:
            asked = "GET" if method == WEBSOCKET else method
            facts = Facts(tenant=tenant, groups=groups, method=asked, path=leaf.sample)
            requirement = requirement_for(policy, facts, settings, now)
            demanded = tuple(demand.rule for demand in requirement.demands + requirement.watched)
            names = (requirement.free,) if requirement.free_kind else demanded
            partly = tuple(
                rule.name
                for rule in ruled
                if rule.name not in names and (not rule.methods or asked in rule.methods) and covers(rule, leaf)
            )
            outcome: str = requirement.free_kind or "guarded"
            is_there = method != WEBSOCKET and leaf.pattern.fullmatch(sign_out)
            if is_there and is_leaving(asked, sign_out, sign_out):
                outcome, names, requirement = "sign-out", (SIGN_OUT,), freed(requirement)
            joint = dead_end(with_endpoint(requirement, leaf.demands), factors.traits)
            found.append(
                RouteRow(
                    method=method,
                    template=leaf.template,
                    outcome=outcome,
                    rules=names,
                    partly=partly,
                    endpoint=tuple(map(written, leaf.demands)),
                    lost=leaf.lost,
                    dead_end=joint.rule if joint else "",
                )
            )
    return found


def idle_rules(policy: Policy, leaves: Iterable[Leaf]) -> tuple[str, ...]:
    """List the rules by path, of the file and its tenants, that match no route."""
    known = tuple(leaves)
    found: dict[str, None] = {}
    for tenant, rules in (("", policy.base), *policy.tenants.items()):
        inherited = {*policy.base.exempt, *policy.base.step_up} if tenant else set()
        for section, entries in (("exempt", rules.exempt), ("step_up", rules.step_up)):
            for rule in entries:
                if rule in inherited or any(_meets(rule, leaf) for leaf in known):
                    continue
                found[f"tenants.{tenant}.{section}.{rule.name}" if tenant else f"{section}.{rule.name}"] = None
    return tuple(found)


def covers(rule: Exemption | StepUpRule, leaf: Leaf) -> bool:
    """Tell if some path of ``leaf`` lies under ``rule``."""
    protects = isinstance(rule, StepUpRule)
    return any(_touches(path, leaf) or (protects and path.covers(leaf.sample)) for path in rule.paths)


def _meets(rule: Exemption | StepUpRule, leaf: Leaf) -> bool:
    named = set(rule.methods or METHODS) | ({"HEAD"} if "GET" in rule.methods else set())
    methods = {"GET" if method == WEBSOCKET else method for method in leaf.methods}
    return bool(named & methods) and covers(rule, leaf)


def _touches(path: PathRule, leaf: Leaf) -> bool:
    if path.matches(leaf.sample):
        return True
    if path.text.startswith("="):
        return leaf.pattern.fullmatch(path.text[1:]) is not None
    root = path.text[:-3]
    return any(leaf.pattern.fullmatch(root + end) for end in ("", *(f"/{sample}" for sample in SAMPLES)))


def _walk(routes: Iterable[Any], prefix: str, above: Mapping[str, Any], depth: int) -> Iterator[Leaf]:
    for route in unfolded(routes):
        path = getattr(route, "path", None)
        convertors = {**above, **(getattr(route, "param_convertors", None) or {})}
        inner = (routes_of(route) if depth else None) or ()
        written = getattr(route, "original_route", route)
        ends = hasattr(written, "methods") or (hasattr(written, "endpoint") and not hasattr(written, "routes"))
        if inner and not ends:
            yield from _walk(inner, prefix + (path or ""), convertors, depth - 1)
        elif path is not None and ends:
            methods = tuple(sorted(route.methods or METHODS)) if hasattr(written, "methods") else (WEBSOCKET,)
            own = _leaf(prefix + path, convertors, methods, route)
            # An app that is the endpoint of a route sees the whole path.
            yield from (leaf for leaf in _walk(inner, prefix, above, depth - 1) if _overlap(leaf, own))
            yield own
        elif path is not None:
            yield _leaf(f"{prefix}{path}/{INSIDE}", convertors, ("GET", "POST"))


def _overlap(one: Leaf, other: Leaf) -> bool:
    return bool(one.pattern.fullmatch(other.sample) or other.pattern.fullmatch(one.sample))


def unfolded(routes: Iterable[Any]) -> Iterator[Any]:
    """List the routes themselves.

    FastAPI keeps included routers folded, and unfolds them by a function of its own.
    """
    unfold = getattr(sys.modules.get("fastapi.routing"), "iter_route_contexts", None)
    for route in routes:
        if unfold is not None and not hasattr(route, "path"):
            yield from unfold([route])
        else:
            yield route


def leaf_for(leaves: Iterable[Leaf], method: str, path: str) -> Leaf | None:
    """Find the first leaf that answers ``method`` at ``path``, or None."""
    asked = "GET" if method == "HEAD" else method
    return next((leaf for leaf in leaves if asked in leaf.methods and leaf.pattern.fullmatch(path)), None)


def _leaf(template: str, convertors: Mapping[str, Any], methods: tuple[str, ...], route: Any = None) -> Leaf:
    """Build a leaf; parameters become what their convertors accept."""
    pattern = sample = ""
    at = 0
    for found in _PARAMETER.finditer(template):
        literal = template[at : found.start()]
        regex = ".*" if found[0] == INSIDE else getattr(convertors.get(found[1]), "regex", "[^/]+")
        pattern += re.escape(literal) + f"(?:{regex})"
        sample += literal + next((text for text in SAMPLES if re.fullmatch(regex, text)), "x")
        at = found.end()
    pattern += re.escape(template[at:])
    return Leaf(
        template=template,
        regex=pattern,
        sample=sample + template[at:],
        methods=methods,
        demands=tuple(dict.fromkeys(demands_of(route))),
        lost=tuple(lost_at(route)),
    )
