"""The fragment of every redirect after a form: one place adds it for all pages.

A form of ours posts to ``…#errors``, and a browser keeps that fragment where a redirect has none of its own.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import mfa_gate.web.pages as pages
from tests.harness import World, make_world, running

from .test_agreement import accept, asking


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running(make_world(policy=asking())) as made:
        yield made


def test_no_page_writes_a_fragment_by_hand() -> None:
    """``PageRequest.go`` adds it to the address."""
    sources = sorted(Path(pages.__file__).parent.glob("*.py"))
    assert len(sources) > 10
    by_hand = [path.name for path in sources if re.search(r"#[\"']\s*(?:if|\))|}#", path.read_text())]
    assert by_hand == []


async def test_a_success_that_leads_to_another_step(world: World) -> None:
    """After the backup codes were saved comes the agreement, without ``#errors``."""
    ann = await world.browser()
    await ann.page("/records/7")
    await ann.enroll()
    saved = await ann.form("/mfa/backup-codes", {"action": "saved", "saved": "yes"})
    assert (saved.status, saved.location) == (303, "/mfa/agreement#")


async def test_a_choice_that_was_made(world: World) -> None:
    """The choice of a method is a form that did its work."""
    ann = await world.browser()
    assert (await ann.form("/mfa/enroll", {"factor": "totp"})).location == "/mfa/enroll/totp#"


async def test_a_form_that_was_turned_away(world: World) -> None:
    """It did nothing: something else comes first, at the plain address."""
    ann = await world.enrolled()
    assert await accept(ann) == 303
    world.clock.advance(8 * 86_400)
    turned = await ann.form("/mfa", {"action": "everywhere"})
    assert (turned.status, turned.location) == (303, "/mfa/challenge")
