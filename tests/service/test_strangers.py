"""Reports of refused requests without a sign-in are bounded for a network and for all."""

from __future__ import annotations

import pytest

from mfa_gate.service import strangers as module
from mfa_gate.service.strangers import Strangers


def test_the_last_report_says_that_it_is_the_last(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged once a network and hour, with the network; the next hour counts anew."""
    strangers = Strangers()
    assert [strangers.admits("n1", 7_200) for _ in range(22)] == [True] * 20 + [False] * 2
    assert [record.args for record in caplog.records] == [("n1",)]
    assert strangers.admits("n2", 7_200)
    assert not strangers.admits("n1", 10_799)
    assert strangers.admits("n1", 10_800)
    assert strangers._total == 1


def test_all_networks_together(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Many networks gain nothing; the oldest of them make room."""
    monkeypatch.setattr(module, "PER_PROCESS", 5)
    monkeypatch.setattr(module, "MAX_NETWORKS", 3)
    strangers = Strangers()
    assert [strangers.admits(f"n{number}", 0) for number in range(7)] == [True] * 5 + [False] * 2
    assert [record.args for record in caplog.records] == [("n4",)]
    assert [*strangers._networks] == ["n2", "n3", "n4"]


@pytest.mark.parametrize(("networks", "last"), [(1, 20), (500, 500)])
def test_the_last_one_of_an_hour_is_said(caplog: pytest.LogCaptureFixture, networks: int, last: int) -> None:
    """An operator reads why no more are reported, once."""
    strangers = Strangers()
    for number in range(last + 2):
        assert caplog.text.count("no more are reported") == (number >= last)
        assert strangers.admits(f"n{number % networks}", 0) is (number < last)
