"""A class of requests in words: the witness of a difference."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ....core.assurance import TraitsOf
from ....core.durations import format_duration
from .engine import Found
from .outcomes import Outcome
from .pair import NAMELESS, Pair
from .places import HERE
from .situations import Held, Login, Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """One request that is decided differently: the facts, and all of it in one sentence.

    ``at`` is the moment (RFC 3339), "" for any. ``before`` and ``now`` are the outcomes in words.
    """

    text: str
    request: str
    tenant: str
    groups: tuple[str, ...]
    at: str
    enrolled: tuple[str, ...]
    before: str
    now: str


def witness_of(found: Found, pair: Pair) -> Witness:
    """Describe the class of ``found``."""
    request, situation = found.request, found.situation
    path = f"{request.method} {request.path}"
    before, now = _outcomes(found)
    at = "" if request.at == pair.now else datetime.fromtimestamp(request.at, UTC).isoformat()
    parts = [f"{path} by {_who(found)}", *_evidence(situation, pair.traits), *_state(situation)]
    if at:
        parts.append(f"from {at}")
    if request.settings.factors:
        parts.append(f"where the administrator picked {', '.join(request.settings.factors)}")
    if not request.settings.enabled_at:
        parts.append("before the administrator turned it on")
    return Witness(
        text=f"{', '.join(parts)}: {before} before, {now} now",
        request=path,
        tenant="" if request.settings.tenant == NAMELESS else request.settings.tenant,
        groups=request.person.groups,
        at=at,
        enrolled=tuple(held.kind for held in situation.holder.holds),
        before=before,
        now=now,
    )


def _who(found: Found) -> str:
    person = found.request.person
    named = " and ".join(person.groups) or "anybody"
    return f"somebody in the name of {named}" if person.acting else named


def _evidence(situation: Situation, traits: TraitsOf) -> list[str]:
    holder = situation.holder
    names = {held: _name(held, traits) for held in holder.holds}
    by = holder.proven_by
    parts = []
    if isinstance(by, Held):
        parts.append(f"{names.pop(by)} {_aged(situation)}")
    if isinstance(by, Login):
        parts.append(f"sign-in elsewhere ({by.amr or by.acr}) {_aged(situation)}")
    parts += [f"{name} not proven" if by is None else f"{name} set up, too" for name in names.values()]
    if not parts:
        parts.append("nothing set up")
    if situation.around.place != HERE:
        parts.append(f"proven at {situation.around.place.proof} and now at {situation.around.place.request}")
    if situation.around.session == "earlier":
        parts.append("proven in an earlier sign-in")
    return parts


def _name(held: Held, traits: TraitsOf) -> str:
    name = traits[held.kind].name
    known = name[:1].lower() + name[1:]
    return f"{known} that verified its user" if held.verified else known


def _aged(situation: Situation) -> str:
    return f"{format_duration(situation.age)} old"


def _state(situation: Situation) -> list[str]:
    state = situation.around.state
    parts = []
    if state.lock:
        parts.append("locked by an administrator" if state.lock == "administrator" else "locked after wrong answers")
    if state.wrong:
        parts.append(f"{state.wrong} wrong answers")
    if state.granted:
        parts.append("with a break-glass grant")
    if state.skips:
        parts.append(f"set-up skipped {state.skips} times" + (", also in this sign-in" if state.skipped else ""))
    if situation.around.agreed == "earlier":
        parts.append("agreement accepted in an earlier sign-in")
    return parts


def _outcomes(found: Found) -> tuple[str, str]:
    old, new = found.old, found.new
    if old.words != new.words:
        return _by(old), _by(new)
    more, less = sorted(new.ways - old.ways), sorted(old.ways - new.ways)
    return f"{old.words} (also by {', '.join(less)})" if less else old.words, (
        f"{new.words} (also by {', '.join(more)})" if more else new.words
    )


def _by(outcome: Outcome) -> str:
    rules = ("proof", "enrollment", "freshness", "")
    return outcome.words if outcome.rule in rules else f"{outcome.words} ({outcome.rule})"
