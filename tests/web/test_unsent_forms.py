"""Forms that were stopped, told on both pages; a kept one is sent on (U-69)."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import pytest
from fastapi import Depends, FastAPI, Form
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mfa_gate import Subject, require_proof
from mfa_gate.errors import StoreUnavailable
from mfa_gate.identity import SessionUser
from mfa_gate.web.forms import Heard
from tests.harness import FETCH, FORM, ORIGIN, PAGE, Browser, Reply, World, make_world, routes, running

FIELDS = [
    ("csrf_token", "the host's own"),
    ("text", 'a "quoted" <line>\r\nanother – ö ü'),
    ("tag", "1"),
    ("tag", "2"),
    ("empty", ""),
]
BODY = urlencode(FIELDS).encode()
FROM = (*PAGE, ("origin", ORIGIN), ("referer", f"{ORIGIN}/records?open=7"))
LOST = "Your form wasn’t sent"
KEPT = "hasn’t been sent yet"


class Read(HTMLParser):
    """The forms of a page: address and hidden fields of each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[tuple[str, list[tuple[str, str]]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a form, or a field of the last one."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("action", ""), []))
        if tag == "input" and given.get("type") == "hidden" and self.forms:
            self.forms[-1][1].append((given["name"], given["value"]))


def form_in(reply: Reply, address: str = "/records?open=7") -> list[tuple[str, str]] | None:
    """Find the form that is sent on, if the page has it."""
    return next((fields for action, fields in Read(reply.text).forms if action == address), None)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A host that keeps forms."""
    async with running(make_world(keep_forms=True)) as made:
        yield made


async def owing(world: World) -> Browser:
    """Another browser of ann's, whose proof has ended."""
    ann = await world.enrolled()
    other = await world.browser(sid="again")
    other.secret = ann.secret
    world.clock.advance(60)
    return other


async def stopped(
    browser: Browser, body: bytes = BODY, *, headers: Any = (*FROM, FORM), path: str = "/records?open=7"
) -> Reply:
    """Send the form, which leads to the challenge."""
    reply = await browser.ask("POST", path, headers=headers, body=body)
    assert (reply.status, reply.location) == (303, "/mfa/challenge")
    return await browser.page("/mfa/challenge")


async def proven(browser: Browser) -> Reply:
    """Answer the challenge, and follow to the page on the way back."""
    done = await browser.form(f"/mfa/challenge/{await browser.authenticator('totp')}", {"code": browser.totp()})
    assert done.status == 303
    return await browser.page(done.location.split("#")[0])


def notes_in(world: World) -> list[bytes]:
    """List the store's notes of forms."""
    meta = world.store._ready().meta  # type: ignore[attr-defined]
    return [value for name, value in meta.items() if name.startswith("form/")]


def kept_in(world: World) -> list[bytes]:
    """List the forms that the store has."""
    return [value for value in notes_in(world) if value]


# -- the words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["urlencoded", "multipart"])
async def test_both_pages_say_that_nothing_was_sent(kind: str) -> None:
    """The challenge says it, and so does a page on the way back to the form."""
    async with running(make_world()) as world:
        ann = await owing(world)
        type_ = ("content-type", "multipart/form-data; boundary=x") if kind == "multipart" else FORM
        shown = await stopped(ann, headers=(*FROM, type_))
        assert LOST in shown.text
        back = await proven(ann)
        assert back.status == 200
        assert LOST in back.text
        assert 'href="/records?open=7"' in back.text
        assert form_in(back) is None
        assert (await ann.page("/mfa/challenge")).location == "/"
        assert await ann.is_in()
        assert ("http", "POST", "/records") not in world.reached


@pytest.mark.parametrize(
    "headers", [{"hx-request": "true", "hx-current-url": f"{ORIGIN}/records"}, {"turbo-frame": "x"}]
)
async def test_forms_of_scripts_say_it_too(headers: dict[str, str]) -> None:
    """Forms that htmx and Turbo send are the person's own work as well."""
    async with running(make_world()) as world:
        ann = await owing(world)
        told = [*FETCH, ("referer", f"{ORIGIN}/records"), *headers.items(), FORM]
        reply = await ann.ask("POST", "/records", headers=told, body=BODY)
        place = reply.header("hx-redirect") or reply.text.partition('href="/mfa/~')[2].partition('"')[0]
        shown = await ann.page(place if place.startswith("/") else f"/mfa/~{place}")
        assert LOST in shown.text


async def test_a_page_load_says_nothing(world: World) -> None:
    """No form, no word."""
    ann = await owing(world)
    await ann.page("/records")
    shown = await ann.page("/mfa/challenge")
    assert "n’t been sent" not in shown.text
    done = await ann.form(f"/mfa/challenge/{await ann.authenticator('totp')}", {"code": ann.totp()})
    assert done.location == "/records#"


async def test_a_first_enrollment_says_it() -> None:
    """The pages of a first enrollment lie on the way, too."""
    async with running(make_world()) as world:
        ann = await world.browser()
        reply = await ann.ask("POST", "/records", headers=(*FROM, FORM), body=BODY)
        assert reply.location == "/mfa/enroll"
        assert LOST in (await ann.page("/mfa/enroll")).text
        await ann.enroll()
        assert LOST in (await ann.page("/mfa/challenge")).text


# -- the form that is kept ------------------------------------------------------------------------------------------------


async def test_a_kept_form_is_sent_on_by_a_button(world: World) -> None:
    """All fields stand in the form, unchanged and in order; nothing is sent by itself."""
    ann = await owing(world)
    assert KEPT in (await stopped(ann)).text
    back = await proven(ann)
    assert form_in(back) == FIELDS
    assert "Continue" in back.text
    assert 'href="/records?open=7"' in back.text
    assert ("http", "POST", "/records") not in world.reached
    sent = await ann.ask("POST", "/records?open=7", headers=(*PAGE, ("origin", ORIGIN), FORM), body=BODY)
    assert sent.status == 200


async def test_it_may_lead_to_another_origin(world: World) -> None:
    """The page lets the host's own redirects leave: a payment goes on elsewhere."""
    ann = await owing(world)
    await stopped(ann)
    assert "form-action" not in (await proven(ann)).header("content-security-policy")


async def test_the_store_has_it_sealed_and_once(world: World) -> None:
    """Nobody reads it in the store, and it is gone as soon as it was shown."""
    ann = await owing(world)
    await stopped(ann)
    kept = notes_in(world)
    assert kept
    assert not any(b"quoted" in value for value in kept)
    back = await proven(ann)
    assert form_in(back) == FIELDS
    assert notes_in(world) == []


async def test_a_reload_of_the_page_shows_it_no_more(world: World) -> None:
    """The form is shown once; then the page leads back to where it stands."""
    ann = await owing(world)
    await stopped(ann)
    note = {name: value for name, value in ann.cookies.items() if name.endswith("-to")}
    assert form_in(await proven(ann)) == FIELDS
    ann.cookies.update(note)
    again = await ann.page("/mfa/challenge")
    assert form_in(again) is None
    assert LOST in again.text


async def test_it_expires(world: World) -> None:
    """After half an hour it is not sent any more, and the page says so."""
    ann = await owing(world)
    await stopped(ann)
    world.clock.advance(1800)
    back = await proven(ann)
    assert form_in(back) is None
    assert LOST in back.text


@pytest.mark.parametrize("change", ["session", "person"])
async def test_it_is_for_the_same_person_and_session(world: World, change: str) -> None:
    """Another sign-in in this browser, of the same person or another one, never gets it."""
    ann = await owing(world)
    await stopped(ann)
    other = await world.browser("ann" if change == "session" else "bob", sid="other", cookies=ann.cookies)
    other.secret = ann.secret
    if change == "person":
        await other.enroll()
        back = await other.page("/mfa/challenge")
    else:
        back = await proven(other)
    assert form_in(back) is None


@pytest.mark.parametrize(
    ("name", "headers", "body"),
    [
        (
            "another site's form",
            (*PAGE[:3], ("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), FORM),
            BODY,
        ),
        ("a form of nobody knows where", (*PAGE[:3], FORM), BODY),
        ("an upload", (*FROM, ("content-type", "multipart/form-data; boundary=x")), BODY),
        ("plain text", (*FROM, ("content-type", "text/plain")), BODY),
        ("a large form", (*FROM, FORM), b"text=" + b"x" * 65_536),
        ("a password", (*FROM, FORM), b"user=ann&new_password=hunter2"),
        ("a card's number", (*FROM, FORM), b"cardNumber=4111&cvc=123"),
        ("a field without a name", (*FROM, FORM), b"=x"),
        ("a line that a browser would change", (*FROM, FORM), b"text=a%0Ab"),
        ("no text", (*FROM, FORM), b"text=%ff%00"),
        ("too many fields", (*FROM, FORM), b"&".join(b"f%d=1" % n for n in range(1001))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_other_forms_are_not_kept(world: World, name: str, headers: Any, body: bytes) -> None:
    """Only a form of one's own page, small, urlencoded and without a password is kept."""
    ann = await owing(world)
    shown = await stopped(ann, body, headers=headers)
    assert LOST in shown.text
    assert form_in(await proven(ann)) is None
    assert notes_in(world) == []


async def test_only_where_it_is_wanted() -> None:
    """Without the option nothing is kept, and the body is not even read."""
    async with running(make_world()) as world:
        ann = await owing(world)
        assert LOST in (await stopped(ann)).text
        assert form_in(await proven(ann)) is None


async def test_a_store_that_cannot_keep_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The form is not sent then, as it always was; nobody is kept from the challenge."""
    ann = await owing(world)

    async def away(*args: Any, **more: Any) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(world.store, "put_meta", away)
    assert LOST in (await stopped(ann)).text


async def test_a_new_form_takes_the_place_of_the_one_before(world: World) -> None:
    """One is kept for a person: the store cannot be filled."""
    ann = await owing(world)
    for text in ("one", "two"):
        await stopped(ann, f"text={text}".encode())
    assert len(notes_in(world)) == 1
    assert form_in(await proven(ann)) == [("text", "two")]
    assert notes_in(world) == []


# -- demands of an endpoint -----------------------------------------------------------------------------------------------


def starlette() -> Starlette:
    """An endpoint that reads its form after the demand."""

    @require_proof("5m")
    async def pay(request: Request) -> Response:
        return PlainTextResponse((await request.body()).decode())

    return Starlette(routes=[Route("/pay", pay, methods=["POST"]), *routes()])


def fastapi() -> FastAPI:
    """An endpoint whose form is read before the demand."""
    app = FastAPI(routes=routes())

    @app.post("/pay", dependencies=[Depends(require_proof("5m"))])
    async def pay(text: Annotated[str, Form()]) -> str:
        return text

    return app


@pytest.mark.parametrize("make", [starlette, fastapi])
async def test_a_step_up_of_an_endpoint(make: Any) -> None:
    """The form is kept even if the app has read it before it asked."""
    async with running(make_world(app=make(), keep_forms=True)) as world:
        ann = await world.enrolled()
        world.clock.advance(301)
        assert KEPT in (await stopped(ann, path="/pay")).text
        assert form_in(await proven(ann), "/pay") == FIELDS


async def test_below_a_sub_path(world: World) -> None:
    """The form goes to the address that it came to, with the root before it."""
    ann = await owing(world)
    reply = await ann.ask("POST", f"/app/files/{quote('ä')}", headers=(*FROM, FORM), body=BODY, root_path="/app")
    assert reply.status == 303
    done = await ann.form(f"/mfa/challenge/{await ann.authenticator('totp')}", {"code": ann.totp()})
    assert done.status == 303
    back = await ann.page("/app/mfa/challenge", root_path="/app")
    assert form_in(back, "/app/files/%25C3%25A4") == FIELDS


async def test_the_policy_without_a_session() -> None:
    """A host that names no session keeps forms for the browser."""
    identify = SessionUser("user_id", tenant="org")
    async with running(make_world(keep_forms=True, identify=identify)) as world:
        ann = await owing(world)
        await stopped(ann)
        assert form_in(await proven(ann)) == FIELDS


# -- nothing is left of it ------------------------------------------------------------------------------------------------


async def test_an_abandoned_form_leaves_the_store(world: World) -> None:
    """A form that nobody comes back for is removed when its time is over."""
    kept = world.gate.web.site.kept_forms
    assert kept is not None
    kept.life = 0.01
    ann = await owing(world)
    await stopped(ann)
    assert len(kept_in(world)) == 1
    for _ in range(200):
        if not kept_in(world):
            break
        await asyncio.sleep(0.01)
    assert kept_in(world) == []


async def test_the_next_form_keeps_its_own_time(world: World) -> None:
    """The end of the form before removes no later one."""
    kept = world.gate.web.site.kept_forms
    assert kept is not None
    ann = await owing(world)
    await stopped(ann)
    (first,) = kept._ends.values()
    await stopped(ann, b"text=two")
    (second,) = kept._ends.values()
    assert first.cancelled()
    assert not second.cancelled()
    assert len(kept_in(world)) == 1


async def test_a_person_who_is_forgotten_leaves_no_form(world: World) -> None:
    """Erasing a person erases the form as well."""
    ann = await owing(world)
    await stopped(ann)
    assert len(kept_in(world)) == 1
    await (await world.gate.person(Subject("ann", "alpha"))).forget()
    assert kept_in(world) == []


async def test_it_is_for_the_person_that_is_acted_for() -> None:
    """V-49: a form that was filled in as ann is not sent as bob."""

    async def identify(connection: HTTPConnection) -> Subject | None:
        shown = connection.headers.get("x-as", "ann")
        return Subject(shown, "alpha", session="s", actor="boss")

    async with running(make_world(keep_forms=True, identify=identify)) as world:
        boss = Browser(world)
        boss.id, boss.tenant = "boss", "alpha"
        await boss.enroll()
        for again, found in (("ann", FIELDS), ("bob", None)):
            world.clock.advance(8 * 86_400)
            await stopped(boss)
            done = await boss.form(f"/mfa/challenge/{await boss.authenticator('totp')}", {"code": boss.totp()})
            assert done.status == 303
            back = await boss.page("/mfa/challenge", headers=[*PAGE, ("x-as", again)])
            assert form_in(back) == found


# -- another browser ------------------------------------------------------------------------------------------------------

SCRIPTED = (*FETCH, ("origin", ORIGIN), ("referer", f"{ORIGIN}/records?open=7"), FORM)
HTMX = (*SCRIPTED, ("hx-request", "true"))
SOMETHING = b"to=mallory"


def word_of(browser: Browser) -> str:
    """Return the cookie with the word of the browser's kept form."""
    return next((value for name, value in browser.cookies.items() if name.endswith("-form")), "")


async def led(browser: Browser, body: bytes = BODY, headers: Any = HTMX) -> str:
    """Send a form by htmx or Turbo, and return the address that leads on."""
    reply = await browser.ask("POST", "/records?open=7", headers=headers, body=body)
    place = reply.header("hx-redirect") or reply.location
    assert place.startswith("/mfa/~")
    return place


@pytest.mark.parametrize("names_session", [True, False])
async def test_a_form_of_another_browser_is_not_given_out(names_session: bool) -> None:
    """Nobody sends a form that a thief of the password, or of the host's cookie, has chosen."""
    more: dict[str, Any] = {} if names_session else {"identify": SessionUser("user_id", tenant="org")}
    async with running(make_world(keep_forms=True, **more)) as world:
        ann = await world.enrolled()
        assert await ann.is_in()
        thief = await world.browser()  # the same session at the host
        place = await led(thief, SOMETHING)
        assert word_of(thief)
        shown = await ann.page(place)
        assert shown.status == 200
        assert LOST in shown.text
        assert "mallory" not in shown.text
        assert form_in(shown) is None


@pytest.mark.parametrize(
    "headers", [HTMX, (*SCRIPTED, ("accept", "text/vnd.turbo-stream.html, text/html"))], ids=["htmx", "turbo"]
)
async def test_a_form_of_a_script_is_kept_for_its_browser(world: World, headers: Any) -> None:
    """The secret is left with the answer to htmx and Turbo as well."""
    ann = await owing(world)
    place = await led(ann, headers=headers)
    assert word_of(ann)
    assert KEPT in (await ann.page(place)).text
    base = place.removesuffix("/challenge")
    done = await ann.form(f"{base}/challenge/{await ann.authenticator('totp')}", {"code": ann.totp()})
    assert form_in(await ann.page(done.location.split("#")[0])) == FIELDS


async def test_an_earlier_form_of_the_browser_is_lost(world: World) -> None:
    """The first tab is not given the form of the second one."""
    ann = await owing(world)
    first = await led(ann, b"text=one")
    second = await led(ann)
    assert LOST in (await ann.page(first)).text
    assert KEPT in (await ann.page(second)).text


async def test_a_form_of_a_front_end_elsewhere_is_not_kept() -> None:
    """The page with the button is of our own origin, and so is the form that it sends."""
    front = "http://localhost:3000"
    async with running(make_world(keep_forms=True, api_origins=[front])) as world:
        ann = await owing(world)
        headers = [("sec-fetch-site", "same-site"), ("origin", front), ("hx-request", "true"), FORM]
        await ann.ask("POST", "/records", headers=headers, body=BODY)
        assert notes_in(world) == []
        assert not word_of(ann)


# -- the places of a person -----------------------------------------------------------------------------------------------


async def test_the_password_alone_pushes_no_form_out(world: World) -> None:
    """A sign-in without a proof takes no place of a browser that has proven something."""
    ann = await world.enrolled()
    world.clock.advance(8 * 86_400)
    await stopped(ann)
    for number in range(12):
        other = await world.browser(sid=f"other-{number}")
        await stopped(other, SOMETHING)
    assert len(notes_in(world)) == 2
    assert form_in(await proven(ann)) == FIELDS


async def test_another_browser_of_the_person_pushes_no_form_out(world: World) -> None:
    """Two browsers that have proven something have a form each."""
    ann = await world.enrolled()
    other = await world.browser(sid="other")
    other.secret = ann.secret
    world.clock.advance(60)
    await proven(other)
    world.clock.advance(8 * 86_400)
    await stopped(ann)
    await stopped(other, SOMETHING)
    assert form_in(await proven(ann)) == FIELDS
    world.clock.advance(60)
    assert form_in(await proven(other)) == [("to", "mallory")]


async def test_the_end_of_all_proofs_removes_the_forms(world: World) -> None:
    """A form that was filled in before a changed password is not sent afterwards."""
    ann = await world.enrolled()
    other = await world.browser(sid="other")
    world.clock.advance(8 * 86_400)
    await stopped(ann)
    await stopped(other)
    assert len(kept_in(world)) == 2
    await (await world.gate.person(Subject("ann", "alpha"))).end_proofs("password changed")
    assert kept_in(world) == []


# -- what a foreign address says ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["referer", "hx-current-url"])
async def test_an_old_browsers_page_must_be_ours(world: World, name: str) -> None:
    """Without Sec-Fetch-Site, a page of another origin is no place to lead back to."""
    ann = await owing(world)
    for page, is_ours in ((f"{ORIGIN}/records", True), ("https://evil.example/records", False)):
        reply = await ann.ask("POST", "/records", headers=[("hx-request", "true"), (name, page), FORM], body=BODY)
        assert reply.header("hx-redirect").startswith("/mfa/~") is is_ours


async def test_a_foreign_address_says_nothing_of_a_form_afterwards(world: World) -> None:
    """The way back is kept, and no word of a form that another browser has sent."""
    ann = await world.enrolled()
    thief = await world.browser(sid="thief")
    place = await led(thief, SOMETHING)
    world.clock.advance(8 * 86_400)
    assert KEPT not in (await ann.page(place)).text
    assert any(name.endswith("-to") for name in ann.cookies)
    assert "n’t been sent" not in (await ann.page("/mfa/challenge")).text


async def test_an_own_address_says_it_afterwards(world: World) -> None:
    """A plain address of ours knows this browser's kept form."""
    ann = await owing(world)
    await ann.page(await led(ann))
    assert KEPT in (await ann.page("/mfa/challenge")).text


# -- what is heard --------------------------------------------------------------------------------------------------------


def test_a_body_in_many_pieces_costs_its_bytes() -> None:
    """A sender of single bytes gets no more of the memory than their number."""
    heard = Heard()
    tracemalloc.start()
    for _ in range(20_000):
        heard.add({"type": "http.request", "body": b"a", "more_body": True})
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 60_000


@pytest.mark.parametrize(
    ("media", "method", "is_heard"),
    [
        ("application/x-www-form-urlencoded; charset=utf-8", "POST", True),
        ("application/x-www-form-urlencoded", "PUT", False),
        ("multipart/form-data; boundary=x", "POST", False),
        ("application/json", "POST", False),
    ],
)
async def test_only_bodies_that_may_be_kept_are_heard(
    monkeypatch: pytest.MonkeyPatch, media: str, method: str, is_heard: bool
) -> None:
    """An upload is not held in memory beside the app."""
    pieces: list[Any] = []
    monkeypatch.setattr(Heard, "add", lambda self, message: pieces.append(message))

    async def take(request: Request) -> Response:
        await request.body()
        return PlainTextResponse("taken")

    app = Starlette(routes=[Route("/take", take, methods=["POST", "PUT"]), *routes()])
    async with running(make_world(app=app, keep_forms=True)) as world:
        ann = await world.enrolled()
        reply = await ann.ask(method, "/take", headers=[*FETCH, ("content-type", media)], body=BODY)
        assert reply.text == "taken"
    assert bool(pieces) is is_heard
