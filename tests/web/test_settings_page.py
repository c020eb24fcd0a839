"""One's own page: a check-up line, browsers that can be told apart, and ways to end them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.harness import FETCH, HOME, Browser, World, make_world, running

SYSTEMS = ("Windows NT 10.0", "iPhone", "Linux; Android 16", "Macintosh; Mac OS X", "X11; Linux")
IPHONE = SYSTEMS[1:2]


async def elsewhere(
    world: World, ann: Browser, count: int, systems: Sequence[str] = SYSTEMS, *, address: str = HOME
) -> list[Browser]:
    """Let the same person confirm in further browsers, each on the next of the systems."""
    others = []
    for number in range(count):
        world.clock.advance(60)
        other = await world.browser(ann.id, ann.tenant, sid=f"s{number}-{address}-{world.clock.now()}", address=address)
        other.secret = ann.secret
        other.agent = f"Mozilla/5.0 ({systems[number % len(systems)]}) Safari/605"
        await other.prove(ann.secret)
        others.append(other)
    return others


def listed(text: str) -> str:
    """The part of the page that lists browsers."""
    return text.split('id="browsers-title"')[1].split("</section>")[0]


def names_of_buttons(shown: str, words: str) -> list[str]:
    """The accessible names of buttons and folds that begin with some words."""
    shown = re.sub(r'<span class="when-closed">([^<]*)</span><span class="when-open">[^<]*</span>', r"\1", shown)
    found = re.findall(rf">({words}[^<]*)<span class=\"vh\">([^<]*)</span>", shown)
    return ["".join(parts) for parts in found]


async def test_the_check_up(world: World) -> None:
    """The first line says that all is well, or names the one thing to do."""
    ann = await world.enrolled()
    text = (await ann.page("/mfa")).text
    assert "Good: you have 1 sign-in method and 10 backup codes." in text
    await ann.enroll_email()
    assert "Good: you have 2 sign-in methods and 10 backup codes." in (await ann.page("/mfa")).text
    for code in ann.backup[:7]:
        await ann.api("POST", "verify", {"authenticator": await ann.authenticator("backup-code"), "response": code})
    text = (await ann.page("/mfa")).text
    assert "One thing to do: make a new set of backup codes." in text
    assert "Good:" not in text


async def test_browsers_are_folded_after_three(world: World) -> None:
    """This browser comes first, then the newest; the rest is behind a fold."""
    ann = await world.enrolled()
    await elsewhere(world, ann, 4)
    shown = listed((await ann.page("/mfa")).text)
    assert shown.split("<details")[0].count('class="thing"') == 3
    assert shown.index("This browser") < shown.index("First seen")
    assert "Show 2 more" in shown
    assert "Show fewer" in shown
    assert shown.count("First seen ") == 5


async def test_a_phone_on_many_networks_is_one_entry(world: World) -> None:
    """A phone without a place is listed once, with all its networks in view.

    So a stranger's browser of the same name is in view as well, and has a button of its own.
    """
    ann = await world.enrolled()
    await elsewhere(world, ann, 2, IPHONE)
    (stranger,) = await elsewhere(world, ann, 1, IPHONE, address="198.51.100.66")
    for number in range(3):
        await elsewhere(world, ann, 1, IPHONE, address=f"203.0.113.{90 + number}")
    shown = listed((await ann.page("/mfa")).text)
    seen = re.sub(r'<details class="fold">.*?</details>', "", shown, flags=re.DOTALL)
    assert re.findall(r'"thing-name"><strong><bdi>([^<]*)</bdi>', seen) == ["Unknown browser", "Safari on iPhone"]
    assert "6 sign-ins" in seen
    phone = seen.split("Safari on iPhone")[1]
    networks = re.findall(r"([0-9.]{7,})</bdi>", phone)
    assert networks == ["203.0.113.92", "203.0.113.91", "203.0.113.90", "198.51.100.66", HOME]
    removals = names_of_buttons(shown, "Remove")
    assert len(removals) == len(set(removals)) == 8
    lines = re.findall(r'<li class="thing"><div class="thing-body">.*?</li>', shown, flags=re.DOTALL)
    (line,) = [line for line in lines if "198.51.100.66" in line]
    (id,) = re.findall(r'name="browser" value="([^" ]+)"', line)
    assert await stranger.is_in()
    await ann.form("/mfa", {"action": "forget", "browser": id})
    assert not await stranger.is_in()


async def test_a_strange_network_beside_ones_own_is_removed_without_unfolding(world: World) -> None:
    """The entry of this browser shows other networks, and the button that removes them.

    "Remove" alone would be pressed for it, and ends the proof of this browser.
    """
    ann = await world.enrolled()
    ann.agent = f"Mozilla/5.0 ({IPHONE[0]}) Safari/605"
    await ann.prove()
    (stranger,) = await elsewhere(world, ann, 1, IPHONE, address="198.51.100.66")
    shown = listed((await ann.page("/mfa")).text)
    seen = re.sub(r'<details class="fold">.*?</details>', "", shown, flags=re.DOTALL)
    assert seen.count('class="thing"') == 1
    assert "198.51.100.66</bdi>" in seen
    (form,) = [
        form for form in re.findall(r"<form.*?</form>", seen, flags=re.DOTALL) if "Remove the 1 earlier one" in form
    ]
    (ids,) = re.findall(r'name="browser" value="([^"]+)"', form)
    await ann.form("/mfa", {"action": "forget", "browser": ids})
    assert (await ann.is_in(), await stranger.is_in()) == (True, False)


async def test_one_place_is_one_entry_on_whatever_network() -> None:
    """All addresses of a phone in one place are one entry; another place is another."""
    places = {"192.0.2.10": "Boston, MA", "192.0.2.11": "Boston, MA", "198.51.100.66": "Lagos"}
    async with running(make_world(describe_network=lambda network: places.get(network, ""))) as world:
        ann = await world.enrolled()
        for address in places:
            await elsewhere(world, ann, 1, IPHONE, address=address)
        shown = listed((await ann.page("/mfa")).text)
    seen = re.sub(r'<details class="fold">.*?</details>', "", shown, flags=re.DOTALL)
    assert seen.count("Safari on iPhone</bdi>") == 2
    assert "Boston, MA</bdi>" in seen
    assert "Lagos</bdi>" in seen
    assert names_of_buttons(shown, "Show 1 earlier") == ["Show 1 earlier Safari on iPhone, Boston, MA"]


async def test_browsers_of_one_device_are_one_entry(world: World) -> None:
    """The newest sign-in of a device is shown; the earlier ones are folded, and heard apart."""
    ann = await world.enrolled()
    await elsewhere(world, ann, 4, IPHONE)
    await elsewhere(world, ann, 1)
    shown = listed((await ann.page("/mfa")).text)
    names = re.findall(r'"thing-name"><strong><bdi>([^<]*)</bdi>', shown)
    assert names == ["Unknown browser", "Safari on Windows", "Safari on iPhone"]
    assert shown.count("4 sign-ins") == 1
    assert names_of_buttons(shown, "Show 3 earlier") == ["Show 3 earlier Safari on iPhone"]
    removals = [name for name in names_of_buttons(shown, "Remove") if "iPhone" in name]
    assert len(removals) == len(set(removals)) == 5
    assert names_of_buttons(shown, "Remove all 4") == ["Remove all 4 Safari on iPhone"]


async def test_all_browsers_of_a_device_are_removed_at_once(world: World) -> None:
    """The browsers of the group are asked again, no others are, and the trail has each."""
    ann = await world.enrolled()
    phones = await elsewhere(world, ann, 3, IPHONE)
    (other,) = await elsewhere(world, ann, 1)
    (ids,) = re.findall(r'name="browser" value="([^"]+ [^"]+)"', listed((await ann.page("/mfa")).text))
    assert len(ids.split()) == 3
    assert (await ann.form("/mfa", {"action": "forget", "browser": ids})).status == 303
    assert "3 other browsers were removed." in (await ann.page("/mfa")).text
    assert [await one.is_in() for one in (ann, other, *phones)] == [True, True, False, False, False]
    assert len([event for event in world.events if event.kind == "browser.forgotten"]) == 3


async def test_the_browser_in_use_stays(world: World) -> None:
    """In the group of this browser the one press removes the earlier ones, and says so."""
    ann = await world.enrolled()
    *others, mine = await elsewhere(world, ann, 3, IPHONE)
    shown = listed((await mine.page("/mfa")).text)
    assert shown.index("Safari on iPhone") < shown.index("Unknown browser"), "the group of this browser comes first"
    assert names_of_buttons(shown, "Remove all") == []
    assert names_of_buttons(shown, "Remove the 2 earlier ones") == ["Remove the 2 earlier ones Safari on iPhone"]
    (ids,) = re.findall(r'name="browser" value="([^"]+ [^"]+)"', shown)
    await mine.form("/mfa", {"action": "forget", "browser": ids})
    assert [await one.is_in() for one in (mine, ann, *others)] == [True, True, False, False]


async def test_all_others_are_removed(world: World) -> None:
    """All other browsers are asked again, this one is not, and each removal is in the trail."""
    ann = await world.enrolled()
    others = await elsewhere(world, ann, 2)
    done = await ann.form("/mfa", {"action": "forget-others"})
    assert (done.status, done.location.split("#")[0]) == (303, "/mfa")
    assert "2 other browsers were removed." in (await ann.page("/mfa")).text
    assert await ann.is_in()
    assert [await other.is_in() for other in others] == [False, False]
    assert len([event for event in world.events if event.kind == "browser.forgotten"]) == 2


async def test_signing_out_everywhere(world: World) -> None:
    """Every browser is asked again, this one too; the old cookies open nothing."""
    ann = await world.enrolled()
    others = await elsewhere(world, ann, 2)
    kept = dict(ann.cookies)
    done = await ann.form("/mfa", {"action": "everywhere"})
    assert (done.status, done.location) == (303, "/#"), "a success ends in a fragment of its own"
    ann.cookies = kept
    assert [await one.is_in() for one in (ann, *others)] == [False, False, False]
    assert [event.kind for event in world.events].count("proofs.revoked") == 1


async def test_they_need_a_proof(world: World) -> None:
    """A browser that owes the proof ends nobody's browsers."""
    ann = await world.enrolled()
    thief = await world.browser(ann.id, ann.tenant, sid="thief")
    token = await thief.token("/mfa/challenge")
    for action in ("forget-others", "everywhere"):
        assert (await thief.form("/mfa", {"action": action}, token=token)).location.startswith("/mfa/challenge")
    assert await ann.is_in()


async def test_a_line_of_the_activity_is_disputed(world: World) -> None:
    """Each line has its own "This was not me", and the trail names the event that was meant."""
    ann = await world.enrolled()
    text = (await ann.page("/mfa")).text
    refs = re.findall(r'name="about" value="([^"]+)"', text)
    assert len(refs) == text.count("This was not me") > 1
    await ann.form("/mfa", {"action": "dispute", "about": refs[-1]})
    (said,) = [event for event in world.events if event.kind == "account.disputed"]
    assert said.detail["about"] == refs[-1]


async def test_a_foreign_reference_is_no_event(world: World) -> None:
    """A reference that is not in the person's own list disputes no certain event."""
    ann = await world.enrolled()
    await ann.form("/mfa", {"action": "dispute", "about": "somebody-elses"})
    (said,) = [event for event in world.events if event.kind == "account.disputed"]
    assert said.detail["about"] == ""


async def test_a_browser_that_is_not_remembered_says_so(world: World) -> None:
    """Its proof ends with the sign-in, so no date is told."""
    ann = await world.enrolled()
    world.clock.advance(60)
    other = await world.browser(ann.id, ann.tenant, sid="office")
    other.secret = ann.secret
    place = f"/mfa/challenge/{await ann.authenticator('totp')}"
    await other.form(place, {"asked": "1", "code": other.totp()})
    assert (await other.ask("GET", "/records", headers=FETCH)).status == 200
    mine = listed((await other.page("/mfa")).text).split("<details")[0]
    assert "Until you sign out or close it" in mine
    assert "Remembered until" not in mine
