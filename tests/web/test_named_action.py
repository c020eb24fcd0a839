"""The action that a step-up is for: the ``label`` of its rule, or our own words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mfa_gate.policyfile import parse_policy
from tests.harness import FETCH, ORIGIN, Browser, Reply, World, make_world, running

POLICY = """
version = 1
name = "named"

[factors]
allowed = ["totp", "email"]
order = ["totp", "email"]

[enrollment]
stage = "required"
first = "open"

[[step_up]]
name = "export"
label = { en = "Exporting <records>", de = "Akten & Befunde exportieren" }
paths = ["=/records/export"]
max_age = "5m"

[[step_up]]
name = "edit"
paths = ["=/records/edit"]
max_age = "5m"
"""
GENERAL = "This needs a fresh confirmation."


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A host whose exports ask for a fresh proof, and say so; another rule has no words."""
    async with running(make_world(policy=parse_policy(POLICY, base=Path()))) as made:
        yield made


async def asked(ann: Browser, path: str, lang: str = "en") -> Reply:
    """Ask for a page some minutes after the proof, and return the page that asks again."""
    ann.world.clock.advance(301)
    ann.cookies["mfa-lang"] = lang
    reply = await ann.page(path)
    while reply.status == 303:
        reply = await ann.page(reply.location)
    assert reply.status == 200
    return reply


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", "<bdi>Exporting &lt;records&gt;</bdi> needs a fresh confirmation."),
        ("de", "<bdi>Akten &amp; Befunde exportieren</bdi>: Dafür ist eine neue Bestätigung nötig."),
        ("fr", "<bdi>Exporting &lt;records&gt;</bdi> : une nouvelle confirmation est nécessaire."),
    ],
)
async def test_the_page_names_the_action(world: World, lang: str, words: str) -> None:
    """In the reader's language where the policy has words for it, and never as markup."""
    ann = await world.enrolled()
    shown = await asked(ann, "/records/export", lang)
    assert words in shown.text


async def test_a_rule_without_words_is_told_in_general(world: World) -> None:
    """The label may be absent."""
    ann = await world.enrolled()
    assert GENERAL in (await asked(ann, "/records/edit")).text


async def test_changes_on_our_own_pages_are_named(world: World) -> None:
    """A change of methods, long after the last proof."""
    ann = await world.enrolled()
    shown = await asked(ann, "/mfa/enroll/email")
    assert "Changing how you sign in needs a fresh confirmation." in shown.text


async def test_the_first_proof_names_nothing(world: World) -> None:
    """A browser without a proof owes more than the action."""
    await world.enrolled()
    other = await world.browser()
    assert "Exporting" not in (await asked(other, "/records/export")).text


async def test_the_state_has_the_action(world: World) -> None:
    """A front end can say the same.

    Without a label, or after the proof, the member is not there.
    """
    ann = await world.enrolled()
    assert "action" not in await ann.state()
    world.clock.advance(301)
    await ann.ask("POST", "/records/export", headers=[*FETCH, ("origin", ORIGIN), ("referer", f"{ORIGIN}/records")])
    told = await ann.state()
    assert (told["reason"], told["action"]) == ("step_up", "Exporting <records>")
    await ann.prove()
    assert "action" not in await ann.state()
