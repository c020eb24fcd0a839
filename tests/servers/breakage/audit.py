"""The audit after a breakage.

It compares what the workers were told with what the store has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from .crew import BACK_WITHIN, Round, Stage
from .deeds import AWAY

LIMIT = 7
BUSY = 1.0
"""Seconds that a busy machine may add."""
RARE = 0.05
"""The share of answers that a busy machine may refuse after the store is back."""
GROWTH = 30 * 2**20
GROWTH_OVER_ROUNDS = 12 * 2**20


def faults_of(found: Round, stage: Stage) -> list[str]:
    """List what is not as it is promised. An empty list is a good end."""
    return [
        *_seven(found, stage),
        *_locks(found, stage),
        *_codes(found, stage),
        *_confirmed(found, stage),
        *_back(found, stage),
        *_memory(found),
        *(f"the trail of {tenant!r} is broken: {fault}" for tenant, fault in found.trail.items()),
        *(f"worker {n}: {fault}" for n, report in enumerate(found.reports) for fault in report["faults"]),
    ]


def _seen(found: Round) -> list[dict[str, Any]]:
    """Return all answers of all workers, in order of their ends."""
    return sorted((one for report in found.reports for one in report["seen"]), key=lambda one: one["ended"])


def _seven(found: Round, stage: Stage) -> Iterator[str]:
    """Yield a fault where not exactly seven attempts were used, or an eighth answer compared."""
    compared = Counter(person for report in found.reports for _, person in report["compared"])
    for id in found.guessed:
        if compared[id] > LIMIT * stage.sides:
            yield f"{compared[id]} answers of {id} were compared"
        for number, look in enumerate(found.looks):
            if (look[id]["used"], look[id]["locked"]) != (LIMIT, True):
                yield f"worker {number} sees {id} with {look[id]}"
    for id, count in found.bursts.items():
        if count != LIMIT:
            yield f"{count} answers of {id} were compared, who was guessed after all was mended"


def _locks(found: Round, stage: Stage) -> Iterator[str]:
    """Yield a fault for each answer other than "locked" after a lock.

    Where two sides may be apart, each is asked about its own locks until they are one again.
    """
    one_again = max(found.back_at) + BUSY
    for number, report in enumerate(found.reports):
        for one in report["seen"]:
            if one["deed"] != "guess" or one["outcome"] in ("locked", AWAY):
                continue
            is_apart = stage.sides > 1 and found.broke_at < one["began"] < one_again
            known = [report] if is_apart else found.reports
            if any(_was_locked(other, one) for other in known):
                yield f"{one['person']} was locked, and then worker {number} said: {one['outcome']}"


def _was_locked(report: dict[str, Any], one: dict[str, Any]) -> bool:
    """Tell if a worker had answered "locked" for the same person before this one was asked."""
    return any(
        other["person"] == one["person"] and other["outcome"] == "locked" and other["ended"] < one["began"]
        for other in report["seen"]
    )


def _codes(found: Round, stage: Stage) -> Iterator[str]:
    """Yield a fault for each code that proved more than once."""
    granted = Counter((one["person"], one["code"]) for one in _seen(found) if one["outcome"] == "granted")
    for (id, code), times in granted.items():
        if times > stage.sides:
            yield f"the code {code} of {id} proved {times} times"


def _confirmed(found: Round, stage: Stage) -> Iterator[str]:
    """Yield a fault for each thing that was confirmed and is not in the store."""
    seen = _seen(found)
    look = found.looks[0]
    for id in found.proving:
        granted = sum(one["outcome"] == "granted" for one in seen if one["person"] == id)
        stored = look[id]["events"].get("proof.granted", 0) - 1  # that of the enrollment
        if stored < granted:
            yield f"{granted} proofs of {id} were confirmed, and {stored} are in the trail"
    for id in found.guessed:
        wrong = sum(one["outcome"] == "wrong_code" for one in seen if one["person"] == id)
        events = look[id]["events"]
        if events.get("attempt.failed", 0) < wrong:
            yield f"{wrong} wrong answers of {id} were confirmed, and {events} are in the trail"
        if not 1 <= events.get("account.locked", 0) <= stage.sides:
            yield f"{id} is locked, and the trail has {events}"


def _back(found: Round, stage: Stage) -> Iterator[str]:
    """Yield a fault for each worker that is not served again in time, or not for good."""
    for number, (report, back_at) in enumerate(zip(found.reports, found.back_at, strict=True)):
        for deeds in (("visit",), ("guess", "prove")):
            after = [one for one in report["seen"] if one["deed"] in deeds and one["began"] >= back_at]
            served = [one["ended"] for one in after if one["outcome"] != AWAY]
            if not served or min(served) - back_at > BACK_WITHIN + BUSY:
                first = f"{min(served) - back_at:.1f} s" if served else "never"
                yield f"worker {number} is served again after: {first} ({'/'.join(deeds)})"
            late = [one for one in after if one["began"] > back_at + BACK_WITHIN + BUSY]
            refused = sum(one["outcome"] == AWAY for one in late)
            if refused > len(late) * RARE + 1:
                yield f"worker {number} refused {refused} of {len(late)} after all was mended ({'/'.join(deeds)})"
        may = {"200", AWAY} | ({"403"} if stage.sides > 1 else set())  # proofs end where two sides are joined
        if odd := {one["outcome"] for one in report["seen"] if one["deed"] == "visit"} - may:
            yield f"worker {number} answered visits with {sorted(odd)}"


def _memory(found: Round) -> Iterator[str]:
    """Yield a fault for each worker that has grown."""
    for number, (before, after) in enumerate(found.resident):
        if after - before > GROWTH:
            yield f"worker {number} grew by {(after - before) / 2**20:.0f} MB"


def growth_over(done: list[Round]) -> list[str]:
    """List the workers that grew on after their second round, when caches are full."""
    if len(done) < 4:
        return []
    grown = [last[1] - second[1] for second, last in zip(done[1].resident, done[-1].resident, strict=True)]
    return [
        f"worker {number} grew by {size / 2**20:.0f} MB over {len(done) - 2} rounds"
        for number, size in enumerate(grown)
        if size > GROWTH_OVER_ROUNDS
    ]


def summary(found: Round) -> str:
    """Return one line with the outcomes of a round, for the reader of the test's output."""
    outcomes = Counter(f"{one['deed']} {one['outcome']}" for one in _seen(found))
    back = []
    for report, back_at in zip(found.reports, found.back_at, strict=True):
        served = [o["ended"] for o in report["seen"] if o["began"] >= back_at and o["outcome"] != AWAY]
        back.append(f"{min(served) - back_at:.2f} s" if served else "never")
    grown = ", ".join(f"{(after - before) / 2**20:.1f}" for before, after in found.resident)
    return f"{dict(sorted(outcomes.items()))}; back after {', '.join(back)}; grown by {grown} MB"
