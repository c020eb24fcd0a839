"""Kinds of events and reasons that the program writes are in the reader's language.

No word of the program reaches a page or a mail. Only the code of the kind stands on the desk's page, to search for.
"""

from __future__ import annotations

import re
from datetime import UTC
from html import unescape

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.core.events import EVENTS, KINDS, Event
from mfa_gate.core.messages.alarms import ALARMS, alarm
from mfa_gate.core.messages.causes import CAUSES, LOADS, SIGNS, TRAIL_FAULTS
from mfa_gate.core.messages.facts import local_time
from mfa_gate.core.messages.notices import NOTICES, notice
from mfa_gate.core.reasons import REASONS
from mfa_gate.web.i18n import Languages
from tests.harness import PAGE, START, make_world, running

GERMAN = [*PAGE, ("accept-language", "de")]
SAME = {"Browser"}
"""Words that are the same in German."""
PROGRAM = re.compile(r"\b[a-z]+(?:[._][a-z]+)+\b")
"""A name as programs have them: with a dot or a line between small letters."""
WORDS = sorted({*CAUSES, *REASONS})


def german(text: str) -> str:
    return Languages().words("de").gettext(text)


def read_text(page: str) -> str:
    """The text of a page for its reader, without the codes that are there to be copied."""
    body = re.sub(r"(?s)<(code|script|style|select|form|nav)\b.*?</\1>", " ", page.partition("<main")[2])
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))


def test_every_word_is_another_one_in_german() -> None:
    """Else the walk below would see nothing."""
    texts = {*CAUSES.values(), *(row.title for row in REASONS.values())}
    assert {text for text in texts if german(text) == text} <= SAME


async def test_the_trail_of_the_desk() -> None:
    """Every reason, and every kind, on the pages of the trail and of the person, in German."""
    kinds = [kind for kind in KINDS if kind != "audit.hold"] * 2  # its reason is a person's, always
    events = [
        Event(
            id=f"REF{n:07}", kind=kind, at=START - 900 + n, tenant="alpha", account="ann", actor="boss", reason=word,
            factor="totp",
        )
        for n, (kind, word) in enumerate(zip(kinds, WORDS + [""] * (len(kinds) - len(WORDS)), strict=True))
    ]  # fmt: skip
    async with running(make_world()) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        await world.enrolled("ann")
        seen = ""
        for start in range(0, len(events), 15):
            await world.engine.record(events[start : start + 15])
            page = await boss.page("/mfa/admin/accounts/ann", headers=GERMAN)
            assert page.status == 200
            seen += read_text(page.text)
            page = await boss.page(f"/mfa/admin/audit?from={START - 900}", headers=GERMAN) if not start else page
        place = "/mfa/admin/audit?account=ann"
        for _ in range(20):
            page = await boss.page(place, headers=GERMAN)
            assert page.status == 200
            seen += read_text(page.text)
            older = re.search(r'class="pager"><a class="[^"]+" href="([^"]+)"', page.text)
            if older is None:
                break
            place = unescape(older[1])
    for word in WORDS:
        assert f"({word})" not in seen, word
        assert german(CAUSES[word] if word in CAUSES else REASONS[word].title) in seen, word
    assert set(PROGRAM.findall(seen)) == set()
    for row in EVENTS.values():
        for words in filter(None, (row.own, row.desk)):
            assert german(words.plain) == words.plain or words.plain not in seen


async def test_the_own_page() -> None:
    """The person reads no word of the program either."""
    async with running(make_world()) as world:
        ann = await world.enrolled("ann")
        await world.engine.record(
            [
                Event(
                    id=f"REF{n:07}", kind=kind, at=START + n, tenant="alpha", account="ann", reason=WORDS[n], factor="x"
                )
                for n, kind in enumerate(KINDS)
            ]
        )
        seen = read_text((await ann.page("/mfa", headers=GERMAN)).text)
    assert set(PROGRAM.findall(seen)) <= {"alpha.example"}


def lines_of(letter: object) -> list[str]:
    parts = letter.parts  # type: ignore[attr-defined]
    return [line for part in parts for line in part.text.splitlines()]


@pytest.mark.parametrize("kind", sorted(ALARMS))
def test_every_alarm(kind: str) -> None:
    """Each value that the program gives to an alarm is in words."""
    values: dict[str, list[str]] = {
        "causes": [" ".join(SIGNS)],
        "found": [*TRAIL_FAULTS, "the signed head was altered: by"],
    }
    values["by"] = [*LOADS]
    for name in ALARMS[kind].details:
        for value in values.get(name, ["7"]):
            told = alarm(kind, service="Klinik", facts={name: value}, translate=german)
            english = alarm(kind, service="Klinik", facts={name: value}, translate=lambda text: text)
            for line, other in zip(lines_of(told), lines_of(english), strict=True):
                assert line != other
                assert value == "7" or value not in line
            assert not PROGRAM.findall("\n".join(lines_of(told)))


@pytest.mark.parametrize("kind", sorted(NOTICES))
def test_every_notice(kind: str) -> None:
    """A line that is the same in two languages has no words."""
    more = {"service": "Klinik", "where": "192.0.2.7", "until": "0", "ref": "R1", "browser": "Firefox", "wrong": 2}
    when = local_time(START, UTC, german)
    told = notice(kind, when_text=when, translate=german, **more)  # type: ignore[arg-type]
    english = notice(kind, when_text=when, translate=lambda text: text, **more)  # type: ignore[arg-type]
    same = set(lines_of(told)) & set(lines_of(english))
    assert not {line for line in same if line.partition(":")[0] not in SAME}
    assert not PROGRAM.findall("\n".join(lines_of(told)))


async def test_the_mail_about_a_dispute() -> None:
    """It names the disputed thing in words, without the name that the program has for it."""

    async def contacts(subject: Subject) -> Contacts:
        return Contacts(email=f"{subject.id}@mail.example")

    async def directory(tenant: str) -> list[tuple[Subject, Contacts]]:
        boss = Subject("boss", tenant=tenant, groups=frozenset({"admin"}))
        return [(boss, Contacts(email="boss@mail.example"))]

    async with running(make_world(contacts=contacts, directory=directory)) as world:
        ann = await world.enrolled("ann")
        (event,) = [one for one in world.kinds("factor.enrolled") if one.account == "ann"]
        reply = await ann.form("/mfa", {"action": "dispute", "about": event.id})
        assert reply.status == 303
        await world.engine.effects.idle()
        (mail,) = [one for one in world.email.messages if one.to == "boss@mail.example" and event.id in one.text]
    assert "What: A sign-in method was added\n" in mail.text
    assert "factor.enrolled" not in mail.text
    assert not PROGRAM.findall(re.sub(r"\S+@\S+|https?://\S+", "", mail.text))
