"""A form that has succeeded leaves by 303, and the address ends in a fragment of its own.

Without the first a reload would send the form again. Without the second the browser would carry ``#errors`` of the form on
to the next page. A form that was not taken comes back as 422.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.attacks import deeds
from tests.attacks.deeds import DEEDS_POLICY, DESK, PAGE_DEEDS, Deed, Setup, Stage
from tests.harness import World, make_world, running

WAITS = replace(DESK, enrollment=replace(DESK.enrollment, checklist="required"))
"""A tenant that cannot be turned on while lines of its checklist are open."""


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world in which every deed is possible."""
    policy = replace(DEEDS_POLICY, tenants={**DEEDS_POLICY.tenants, "waits": WAITS})
    async with running(make_world(policy=policy)) as made:
        yield made


SHOWN_AT_ONCE = ("admin ticket", "sign out many")
"""Forms whose answer is shown this once, and kept nowhere: a set-up code, and the results for many people."""


async def saves_codes(world: World) -> Stage:
    """A person whose fresh codes are shown in the settings."""
    return Stage(await world.enrolled())


async def saves_codes_first(world: World) -> Stage:
    """The same on the way to the app, where an agreement is owed."""
    ann = await world.enrolled("ann", "terms")
    await ann.page("/records", headers=(("accept", "text/html"), ("sec-fetch-mode", "navigate")))
    return Stage(ann)


FORMS = (
    *(deed for deed in PAGE_DEEDS if deed.name not in ("guess", *SHOWN_AT_ONCE)),
    Deed("choose a factor", deeds.newcomer, "/enroll", fields={"factor": "totp"}),
    Deed("codes are saved", saves_codes, "/backup-codes", fields={"action": "saved", "saved": "1"}),
    Deed("codes are saved first", saves_codes_first, "/backup-codes", fields={"action": "saved", "saved": "1"}),
)


@pytest.mark.parametrize("deed", FORMS, ids=lambda deed: deed.name.replace(" ", "-"))
async def test_a_success_leaves_with_a_fragment(world: World, deed: Deed) -> None:
    """303, to an address with a fragment."""
    reply = await deed.done(await deed.stage(world))
    assert reply.status == 303, reply.text
    assert "#" in reply.location


async def test_new_codes_are_shown_by_a_get(world: World) -> None:
    """A reload makes no second set, and the page says that the earlier one has ended."""
    ann = await world.enrolled()
    made = await ann.form("/mfa/backup-codes", {"action": "make"})
    place, _, _ = made.location.partition("#")
    first, again = await ann.page(place), await ann.page(place)
    assert "Your earlier set no longer works." in first.text
    assert first.text.count("<li><code>") == again.text.count("<li><code>") == 10
    assert len(world.kinds("backup_codes.made")) == 2, "the set of the enrollment, and this one"


async def test_a_declined_agreement_can_be_loaded_again(world: World) -> None:
    """The page that says so is no answer to a form; the app stays closed."""
    ann = await world.enrolled("ann", "terms")
    reply = await ann.form("/mfa/agreement", {"action": "decline"})
    for _ in range(2):
        page = await ann.page(reply.location.partition("#")[0])
        assert (page.status, "You declined" in page.text) == (200, True)
    assert not await ann.is_in()


@pytest.mark.parametrize("tenant", ["ticket", "contact"])
async def test_a_set_up_that_lacks_something_leads_to_the_page_that_asks(world: World, tenant: str) -> None:
    """Answer a form that cannot be taken yet by the way to the page that asks."""
    new = await world.browser("new", tenant)
    reply = await new.form("/mfa/enroll/totp", {"action": "start"}, token=await new.token("/mfa/enroll"))
    assert (reply.status, reply.location.partition("#")[0]) == (303, "/mfa/enroll")


async def boss_who_reminded(world: World) -> Stage:
    """An administrator who has reminded everybody today."""
    stage = await deeds.boss_and_newcomer(world)
    sent = await stage.browser.form("/mfa/admin/tenant", {"action": "remind"})
    assert sent.status == 303
    return stage


async def boss_with_a_list(world: World) -> Stage:
    """An administrator of a tenant whose checklist has open lines."""
    return Stage(await world.enrolled("boss", "waits", groups=["admin"]))


NOT_TAKEN: tuple[tuple[str, Setup, str, dict[str, str]], ...] = (
    ("reminded today", boss_who_reminded, "/admin/tenant", {"action": "remind"}),
    ("nobody is ticked", deeds.boss, "/admin/accounts", {"action": "unlock"}),
    ("nobody is reminded", deeds.boss, "/admin/accounts", {"action": "remind"}),
    ("a stale form for many", deeds.boss, "/admin/many", {"csrf_token": "old", "action": "unlock", "ids": "bob"}),
    ("open lines", boss_with_a_list, "/admin/tenant", {"action": "enable", "confirm": "waits"}),
)


@pytest.mark.parametrize(("setup", "path", "fields"), [row[1:] for row in NOT_TAKEN], ids=[row[0] for row in NOT_TAKEN])
async def test_a_form_of_the_desk_that_is_not_taken(
    world: World, setup: Setup, path: str, fields: dict[str, str]
) -> None:
    """422, and the page of the form with a summary of what is wrong."""
    stage = await setup(world)
    token = await stage.browser.token("/mfa/admin/tenant")
    reply = await stage.browser.form(f"/mfa{path}", fields, token=token)
    assert reply.status == 422, reply.text
    assert 'id="errors"' in reply.text
    assert f'action="/mfa{path.replace("many", "accounts")}' in reply.text


async def test_a_language_is_chosen_on_the_page_of_many(world: World) -> None:
    """The page that asks for the reason stands at an address that GET opens as well."""
    boss = await world.enrolled("boss", groups=["admin"])
    await world.enrolled("bob")
    plan = await boss.form("/mfa/admin/many", {"action": "unlock", "ids": "bob"})
    assert plan.status == 422
    page = await boss.page("/mfa/admin/many?lang=de")
    assert (page.status, (await boss.page(page.location)).status) == (303, 200)
    wrong = await boss.ask("PUT", "/mfa/admin/many", headers=(("accept", "text/html"),))
    assert (wrong.status, wrong.header("allow")) == (405, "GET, POST, HEAD")
