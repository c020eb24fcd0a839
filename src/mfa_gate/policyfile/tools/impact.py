"""Judge past events under a policy, as far as the audit trail has the facts.

The trail names people who were asked, and no requests. What it does not say is counted, and never guessed: the impact on
requests comes from the records of report-only (``service/impact``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ...core.assurance import TraitsOf
from ...core.model import Seconds
from ...core.networks import parse_address
from ...core.rules import METHODS, Policy, Rules
from ...factors import BUILT_IN, Registry
from ..keys import LAST_DAY
from ..scenario import Given, judge
from .explain import told_decision

ASKED = {"proof.granted": "challenge", "enrollment.skipped": "enroll", "decision.report": "report"}
"""The events that a decision wrote, and that decision."""
NOWHERE = "/(not known)"
"""Stands for the path of an event that names no request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """Count one pair of outcomes: the number of events, and of people."""

    before: str
    after: str
    events: int
    accounts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Hold the whole result.

    ``read`` counts lines, ``unreadable`` those that are no event; only ``decided`` were judged.
    """

    read: int
    decided: int
    unreadable: int
    impacts: tuple[Impact, ...]
    unknown: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Past:
    """Hold what the trail has said of one account so far.

    ``enrolled`` has the factor of each authenticator, by its id; one of which no line tells the id has a name of its own.
    """

    enrolled: dict[str, str] = field(default_factory=dict)
    proof: tuple[int, str, str] | None = None
    locked: bool = False


def replay(policy: Policy, lines: Iterable[str], *, factors: Registry = BUILT_IN) -> Replay:
    """Judge the events in ``lines`` (one JSON object each, any order) under ``policy``.

    The trail has neither groups nor sessions, so rules by groups count as not matching. A request that an event does not
    name lies on no path that a rule names. Both are counted in ``unknown``. A proof that an enrollment has made was no
    challenge, and is left out.
    """
    known = factors.traits
    events = []
    read = 0
    for line in lines:
        if line.strip():
            read += 1
            event = _event(line)
            if event is not None:
                events.append(event)
    events.sort(key=lambda event: int(event["at"]))
    enrolling = {_place_of(event) for event in events if event["kind"] == "factor.enrolled"}
    unknown: dict[str, int] = {}
    past: dict[tuple[str, str], _Past] = {}
    counted: dict[tuple[str, str], list[str]] = {}
    decided = 0
    for event in events:
        who = (str(event.get("tenant", "default")), str(event.get("account", "")))
        account = past.setdefault(who, _Past())
        by_enrolling = event["kind"] == "proof.granted" and _place_of(event) in enrolling
        if event["kind"] in ASKED and who[1] and not by_enrolling:
            decided += 1
            for what in _missing(policy, who[0], event):
                unknown[what] = unknown.get(what, 0) + 1
            pair = (_before(event), _after(policy, who[0], account, event, known))
            counted.setdefault(pair, []).append("/".join(who))
        _learn(account, event, known)
    impacts = [
        Impact(before=before, after=after, events=len(whose), accounts=len(set(whose)))
        for (before, after), whose in counted.items()
    ]
    impacts.sort(key=lambda impact: -impact.events)
    return Replay(read=read, decided=decided, unreadable=read - len(events), impacts=tuple(impacts), unknown=unknown)


def _event(line: str) -> Mapping[str, Any] | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or not isinstance(event.get("kind"), str):
        return None
    at = _second(event.get("at"))
    return None if at is None else {**event, "at": at}


def _second(at: object) -> int | None:
    """Read ``at`` as seconds: from a number, or from RFC 3339."""
    if isinstance(at, bool):
        return None
    if isinstance(at, int | float):
        return int(at) if 0 <= at <= LAST_DAY else None
    try:
        moment = datetime.fromisoformat(str(at))
    except ValueError:
        return None
    return int(moment.timestamp()) if moment.tzinfo is not None else None


def _before(event: Mapping[str, Any]) -> str:
    reason = event.get("reason")
    word = ASKED[event["kind"]]
    return f"{word} ({reason})" if word == "report" and reason else word


def _after(policy: Policy, tenant: str, past: _Past, event: Mapping[str, Any], traits: TraitsOf) -> str:
    now = int(event["at"])
    rules = policy.rules_for(tenant)
    network = str(event.get("network", ""))
    proven = past.proof
    same = proven is not None and _place(rules, proven[2]) == _place(rules, network) != ""
    given = Given(
        tenant=tenant,
        enrolled=tuple(past.enrolled.values()) or _enrolled_by(event, traits),
        proof_age=Seconds(max(0, now - proven[0])) if proven else None,
        proof_factor=proven[1] if proven else "",
        ip="same" if same else "other",
        request=_request(event),
        locked=past.locked,
        skipped=event["kind"] == "enrollment.skipped",
        at=now,
    )
    return told_decision(judge(policy, given, traits, now=now))


def _enrolled_by(event: Mapping[str, Any], known: TraitsOf) -> tuple[str, ...]:
    """Count a factor that was proven as enrolled, though the trail may begin later."""
    factor = str(event.get("factor"))
    return (factor,) if event["kind"] == "proof.granted" and factor in known else ()


def _request(event: Mapping[str, Any]) -> str:
    detail = event.get("detail")
    told = detail if isinstance(detail, dict) else {}
    method, path = str(told.get("method", "GET")), str(told.get("path", "/"))
    return f"{method} {path}" if method in METHODS and path.startswith("/") and "path" in told else f"GET {NOWHERE}"


def _place_of(event: Mapping[str, Any]) -> tuple[str, str, str, int]:
    """Name the change of an account that an event belongs to."""
    named = (str(event.get(name, "")) for name in ("tenant", "account", "factor"))
    return (*named, int(event["at"]))  # type: ignore[return-value]


def _missing(policy: Policy, tenant: str, event: Mapping[str, Any]) -> Iterator[str]:
    """Name each kind of rule that the event has no facts for."""
    rules = policy.rules_for(tenant)
    if (rules.exempt or rules.step_up) and _request(event).endswith(NOWHERE):
        yield "events that name no request: rules by path were left out"
    if rules.exempt_subjects or any(rule.groups_any or rule.groups_none for rule in rules.step_up):
        yield "events that name no group: rules by groups were left out"


def _place(rules: Rules, network: str) -> str:
    """Return the network under the new rules; a trail line with a prefix keeps the prefix."""
    return rules.network_of(network) if parse_address(network) is not None else network


def _authenticator(event: Mapping[str, Any], member: str = "authenticator") -> str:
    """Return the id of the authenticator that an event names, or ""."""
    detail = event.get("detail")
    return str(detail.get(member, "")) if isinstance(detail, dict) else ""


def _learn(past: _Past, event: Mapping[str, Any], known: TraitsOf) -> None:
    factor = str(event.get("factor", ""))
    match event["kind"]:
        case "proof.granted" | "factor.enrolled" | "factor.replaced" if factor in known:
            named = _authenticator(event)
            past.enrolled.pop(_authenticator(event, "replaces"), None)
            if named or factor not in past.enrolled.values():
                past.enrolled[named or f"{factor}?"] = factor
            past.proof = (int(event["at"]), factor, str(event.get("network", "")))
        case "factor.removed":
            mine = [_authenticator(event), f"{factor}?", *(id for id, kind in past.enrolled.items() if kind == factor)]
            past.enrolled.pop(next((id for id in mine if id in past.enrolled), ""), None)
            past.proof = past.proof if past.proof and past.proof[1] in past.enrolled.values() else None
        case "account.reset" | "recovery.used":
            past.enrolled.clear()
            past.proof = None
        case "proofs.revoked":
            past.proof = None
        case "account.locked":
            past.locked = True
        case "account.unlocked":
            past.locked = False
