"""A refused proof keeps its age in this worker when the clock steps back (S-118, F-15)."""

from __future__ import annotations

from mfa_gate.core.evidence import Evidence
from mfa_gate.service.seen_ages import MAX_SEEN, SeenAges
from tests.core.builders import NOW, account, evidence, proof


def seen(age: int) -> Evidence:
    """The evidence with one proof of this age."""
    return evidence(account("app", proofs=(proof(age=age),)))


def test_a_refused_proof_keeps_its_age() -> None:
    """It is as old as it was, and no older: a clock that goes on changes nothing."""
    ages, mine = SeenAges(), seen(100)
    ages.note(mine, NOW + 50)
    assert (ages.latest, ages.aged(mine, NOW + 50).proofs) == (NOW + 50, mine.proofs)
    [aged] = ages.aged(mine, NOW).proofs
    assert NOW - aged.at == 150


def test_other_proofs_keep_theirs() -> None:
    """A proof that was made since is as young as the clock says."""
    ages, younger = SeenAges(), seen(10)
    ages.note(seen(100), NOW + 50)
    assert ages.aged(younger, NOW).proofs == younger.proofs


def test_a_clock_that_is_behind_for_long() -> None:
    """After a jump ahead and back, a proof that is looked at keeps its age as well."""
    ages, mine = SeenAges(), seen(100)
    ages.note(mine, NOW + 50)
    other = seen(10)
    assert ages.aged(other, NOW + 40).proofs == other.proofs
    [aged] = ages.aged(other, NOW).proofs
    assert NOW - aged.at == 50


def test_an_aged_proof_is_not_aged_twice() -> None:
    """The first time counts, however often it is looked at and refused."""
    ages, mine = SeenAges(), seen(100)
    ages.note(mine, NOW + 50)
    for _ in range(3):
        ages.note(ages.aged(mine, NOW), NOW)
    [aged] = ages.aged(mine, NOW).proofs
    assert NOW - aged.at == 150


def test_the_memory_is_bounded() -> None:
    """The proofs that were refused longest ago are forgotten (S-122)."""
    ages, first = SeenAges(), seen(5)
    ages.note(first, NOW)
    for age in range(10, MAX_SEEN + 10):
        ages.note(seen(age), NOW)
    assert ages.aged(first, NOW - 1).proofs == first.proofs
