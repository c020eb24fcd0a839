"""The small mails: facts of an event, the reminder to set up, the numbers of a tenant."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest

from mfa_gate.core.messages.alarms import ALARMS, alarm
from mfa_gate.core.messages.facts import asked_facts, helper_of, local_time, near
from mfa_gate.core.messages.report_mail import NUMBERS, report_mail
from mfa_gate.core.messages.setup_mail import reminder, set_up_code, trial
from mfa_gate.core.messages.texts import Text, own_words

AT = 1_750_000_000


def english(msgid: str) -> str:
    return msgid


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        (UTC, "June 15, 2025, 15:06 UTC"),
        (ZoneInfo("America/New_York"), "June 15, 2025, 11:06 EDT"),
        (timezone(timedelta(hours=5, minutes=30)), "June 15, 2025, 20:36 UTC+05:30"),
        (timezone(-timedelta(hours=9, minutes=30)), "June 15, 2025, 05:36 UTC-09:30"),
        (ZoneInfo("America/Sao_Paulo"), "June 15, 2025, 12:06 UTC-03:00"),
    ],
)
def test_the_time_in_the_readers_zone(zone: tzinfo, told: str) -> None:
    """The zone is named; one without a name in letters is a distance from UTC."""
    assert local_time(AT, zone, english) == told


def test_facts() -> None:
    """Only what is known has a line, and without anything known there are none."""
    part = asked_facts(when_text="now", where="here", label="Phone", wrong=1, ref="R", translate=english)
    assert part is not None
    assert part.plain.splitlines() == [
        "Name: “Phone”",
        "When: now",
        "Where: here",
        "Wrong codes before it: 1",
        "Reference: R",
    ]
    assert asked_facts(when_text="", where="", wrong=0, translate=english) is None
    assert asked_facts(when_text="", where="", translate=english) is None
    assert [near("192.0.2.1", "Boston", english), near("192.0.2.1", "", english), near("", "Boston", english)] == [
        "192.0.2.1, near Boston",
        "192.0.2.1",
        "",
    ]
    assert [helper_of("Desk\n7", english), helper_of("", english)] == ["Desk 7", "your administrator"]


@pytest.mark.parametrize("url", ["https://app.example/mfa/", ""])
def test_the_reminder(url: str) -> None:
    """It names the service, and has a button where there is a page to name."""
    made = reminder(service="Clinic", url=url, translate=english)
    assert made.kind == "reminder"
    assert "set up two-step sign-in for Clinic." in made.text
    assert (url in made.text) is True
    assert [part.url for part in made.parts] == ["", url]
    assert made.title == "Please set up two-step sign-in"


def test_the_test_message() -> None:
    """It says what to do with it."""
    made = trial(service="Clinic", translate=english)
    assert (made.kind, made.title, len(made.parts)) == ("trial", "A test message", 2)


@pytest.mark.parametrize("url", ["https://app.example/mfa/admin/reports", ""])
def test_the_numbers_of_a_tenant(url: str) -> None:
    """Only the numbers that were counted have a line, in their order.

    The link names where the people are.
    """
    made = report_mail(service="Clinic", tenant="alpha", numbers={"locked": 2, "known": 0}, url=url, translate=english)
    assert made.kind == "report"
    lines = made.text.splitlines()
    assert lines[:4] == ["Two-step sign-in in alpha:", "", "Known people: 0", "Locked: 2"]
    assert ("The reports name the people." in made.text) is bool(url)
    assert [*NUMBERS][:2] == ["known", "set_up"]


def test_a_text_shows_no_code() -> None:
    """Neither the code nor the words of a text message stand in a log.

    A host's own words may be none.
    """
    text = Text(kind="code", text="Your code is 493817", code="493817", minutes=10)
    assert "493817" not in repr(text)
    assert own_words(text) == ""


@pytest.mark.parametrize("url", ["", "https://a.example/mfa"])
def test_the_mail_with_a_set_up_code(url: str) -> None:
    """The code stands alone, with its end and, where there is a page, the way there."""
    mail = set_up_code(service="Clinic", code="ABCD-EFGH", ends="June 15", url=url, translate=english)
    texts = [part.text for part in mail.parts]
    assert "ABCD-EFGH" in texts
    assert any("until June 15" in text for text in texts)
    assert "Clinic" in texts[0]
    assert (url in repr(mail.parts)) is True
    assert ("Set it up" in repr(mail.parts)) is bool(url)


@pytest.mark.parametrize("kind", sorted(ALARMS))
def test_each_alarm_tells_its_facts(kind: str) -> None:
    """Administrators read what happened, each fact that is known on its line, and what to do."""
    facts = dict.fromkeys(ALARMS[kind].details, "7 of 9") | {"ref": "R1"}
    texts = [part.text for part in alarm(kind, service="Clinic", facts={**facts, "owner": ""}, translate=english).parts]
    assert texts[-1] == ALARMS[kind].advice
    assert len(texts) >= 2
    told = "\n".join(texts)
    assert told.count("7 of 9") == len(ALARMS[kind].details)
    assert "R1" in told
