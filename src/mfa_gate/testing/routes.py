"""List the rules that cover each route of an app, and find routes open by accident."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.rules import Policy
from ..middleware_order import layers_of
from ..policyfile.tools.routes import RouteRow, idle_rules, leaves_of, rows_for

if TYPE_CHECKING:
    from ..gate import MFAGate

__all__ = ["RouteRow", "assert_all_covered", "route_inventory"]


def route_inventory(
    app: Any,
    policy: Policy | MFAGate | str | os.PathLike[str],
    *,
    tenant: str = "default",
    groups: Iterable[str] = (),
    now: float | None = None,
) -> tuple[RouteRow, ...]:
    """List every route and method of ``app``, with the policy's demand on it.

    Mounts and included routers are searched, too. ``policy`` is a ``Policy``, its file, or the gate that has one. A row's
    ``outcome`` is ``guarded``, or the reason why it is open: ``exempt`` or ``off``. ``rules`` names the rules that decide,
    ``partly`` those that cover some of its paths only. ``now`` (UTC seconds) is for rules with dates. Raises ``ValueError``
    for an app without routes to list.
    """
    at = int(time.time() if now is None else now)
    return tuple(rows_for(_policy(policy), leaves_of(app), tenant=tenant, groups=frozenset(groups), now=at))


def assert_all_covered(
    app: Any,
    policy: Policy | MFAGate | str | os.PathLike[str],
    *,
    open: Sequence[str] = (),
    tenant: str = "default",
    groups: Iterable[str] = (),
    now: float | None = None,
) -> tuple[RouteRow, ...]:
    """Return the inventory, if the gate covers every route but those in ``open``.

    ``open`` are routes as written (``"/healthz"``) or with a method (``"GET /healthz"``). Raises ``AssertionError`` that
    lists everything that is wrong: no gate, a route that is open and not named, one that is named and guarded or gone, a rule
    that covers a route in part, a ``require_proof`` that is never asked, a rule by path that matches no route, sessions in
    which the gate has found nobody.
    """
    found = route_inventory(app, policy, tenant=tenant, groups=groups, now=now)
    meant = set(open)
    wrong = [] if layers_of(app).gates else ["no gate is around this app: gate.install(app)"]
    for row in found:
        named = f"{row.method} {row.template}"
        if row.outcome != "guarded" and not {named, row.template} & meant:
            wrong.append(
                f"{named} is open ({row.outcome}: {', '.join(row.rules) or 'no rule'}), and not listed as such"
            )
        wrong += [f"{named}: {fault}" for fault in row.lost]
        if row.partly:
            wrong.append(f"{named} is covered in part only by {', '.join(row.partly)}")
    opened = {
        name for row in found if row.outcome != "guarded" for name in (row.template, f"{row.method} {row.template}")
    }
    wrong += [f"{name} is listed as open and is not" for name in open if name not in opened]
    wrong += [f"the rule {name} matches no route" for name in idle_rules(_policy(policy), leaves_of(app))]
    wrong += _blind(policy)
    assert not wrong, "the routes and the policy do not fit:\n  " + "\n  ".join(wrong)
    return found


def _blind(given: Policy | MFAGate | str | os.PathLike[str]) -> list[str]:
    """Tell if the gate has met sessions and has found nobody in any of them."""
    if isinstance(given, (Policy, str, os.PathLike)):
        return []
    return [given.web.sightings.doubt] if given.web.sightings.keys else []


def _policy(given: Policy | MFAGate | str | os.PathLike[str]) -> Policy:
    if isinstance(given, Policy):
        return given
    if isinstance(given, str | os.PathLike):
        from ..policyfile import load_policy

        return load_policy(Path(given))
    return given.policy
