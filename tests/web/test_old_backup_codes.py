"""A person is asked after months if the backup codes are still at hand."""

from __future__ import annotations

import pytest

from mfa_gate.core.rules import DAY
from tests.harness import make_world, running

QUESTION = "Do you still have your backup codes?"


@pytest.mark.parametrize(("days", "asked"), [(0, False), (179, False), (180, True), (400, True)])
async def test_after_months(days: int, asked: bool) -> None:
    """The question stands beside the codes once they are 180 days old."""
    async with running(make_world()) as world:
        ann = await world.enrolled()
        world.clock.advance(days * DAY)
        await ann.prove()
        assert (QUESTION in (await ann.page("/mfa")).text) is asked


async def test_a_code_that_was_used_is_at_hand() -> None:
    """A person who used a code lately is not asked."""
    async with running(make_world()) as world:
        ann = await world.enrolled()
        world.clock.advance(200 * DAY)
        id = await ann.authenticator("backup-code")
        assert (await ann.api("POST", "verify", {"authenticator": id, "response": ann.backup[0]})).status == 200
        assert QUESTION not in (await ann.page("/mfa")).text


@pytest.mark.parametrize(("used", "is_offered"), [(6, False), (7, True), (10, True)])
async def test_a_new_set_is_offered_while_few_are_left(used: int, is_offered: bool) -> None:
    """U-35: with three codes or fewer, the page that says so leads to a new set."""
    async with running(make_world()) as world:
        ann = await world.enrolled()
        id = await ann.authenticator("backup-code")
        for code in ann.backup[: used - 1]:
            assert (await ann.api("POST", "verify", {"authenticator": id, "response": code})).status == 200
        world.clock.advance(8 * DAY)
        assert (await ann.form(f"/mfa/challenge/{id}", {"code": ann.backup[used - 1]})).status == 303
        page = (await ann.page("/mfa/challenge")).text
        assert f"You used a backup code. {10 - used} are left." in page
        assert ('href="/mfa/backup-codes"' in page) is is_offered
        if is_offered:
            assert 'value="make"' in (await ann.page("/mfa/backup-codes")).text
