"""The state of a connection, as the host asks for it (``MFAGate.status``)."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.decision import Allow, State, state_of
from ..service import Judgement
from ..service.accounts import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The state of a connection.

    Times are UTC seconds, 0 where there is none. ``age`` is the age of the proof in seconds. ``state`` is the contract's
    word. ``requirement`` names the rule that decided. ``factors`` are the enrolled kinds.
    """

    state: State
    requirement: str
    age: int | None
    ends_at: int
    factors: tuple[str, ...]
    factor: str = ""


def status_of(judgement: Judgement | None, engine: Engine) -> Status:
    """Return the state that a judgement tells of; None is the judgement of nobody."""
    if judgement is None:
        return Status(state="anonymous", requirement="", age=None, ends_at=0, factors=())
    decision = judgement.decision
    proof = decision.proof if isinstance(decision, Allow) else None
    account = judgement.account
    known, mine = engine.factors, account.authenticators if account else ()
    return Status(
        state=state_of(decision),
        requirement=decision.why.rule,
        age=engine.now() - proof.at if proof else None,
        ends_at=decision.until if isinstance(decision, Allow) and proof else 0,
        factors=tuple(dict.fromkeys(a.factor for a in mine if a.factor in known)),
        factor=proof.factor if proof else "",
    )
