"""The ends that a page or a call has beside its usual one.

Each leads on, or says what is wrong.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate import require_proof
from mfa_gate.core.changes.base import TWIN_LIFE
from mfa_gate.core.reasons import Refusal
from mfa_gate.errors import SendFailed
from mfa_gate.service.self_service import REQUESTS_PER_DAY
from mfa_gate.web.branded_templates import written_in
from mfa_gate.web.message_forms import _ours
from mfa_gate.web.pages import people as people_page
from mfa_gate.web.pages import reports
from mfa_gate.web.pages.challenge import _came_by_link
from mfa_gate.web.pages.common import problem_from
from mfa_gate.web.request import PageRequest, page_request
from mfa_gate.web.router import _quiet
from mfa_gate.web.unheard import nothing_more
from mfa_gate.web.views import Notice, Problem
from mfa_gate.web.views.admin import AdminAccount
from mfa_gate.web.views.desk import Slip
from tests.harness import FETCH, JSON, ORIGIN, Browser, World, make_world, running
from tests.service.admin.people import REVIEWED, directory, fill
from tests.service.admin.test_automation import made
from tests.service.test_shared_signals import push, settings, signed

PHONE = "+1 202-555-0142"
BY_LINK = [(b"sec-fetch-mode", b"navigate"), (b"sec-fetch-site", b"same-origin"), (b"sec-fetch-dest", b"document")]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A running host."""
    async with running(make_world()) as made_:
        yield made_


def without(name: bytes, *more: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    return [*(item for item in BY_LINK if item[0] != name), *more]


@pytest.mark.parametrize(
    ("method", "headers", "came"),
    [
        ("GET", BY_LINK, True),
        ("GET", without(b"sec-fetch-site", (b"sec-fetch-site", b"none")), True),
        ("GET", without(b"sec-fetch-dest"), True),
        ("HEAD", BY_LINK, False),
        ("POST", BY_LINK, False),
        ("GET", without(b"sec-fetch-mode"), False),
        ("GET", without(b"sec-fetch-mode", (b"sec-fetch-mode", b"cors")), False),
        ("GET", without(b"sec-fetch-site"), False),
        ("GET", without(b"sec-fetch-site", (b"sec-fetch-site", b"same-site")), False),
        ("GET", without(b"sec-fetch-site", (b"sec-fetch-site", b"cross-site")), False),
        ("GET", without(b"sec-fetch-dest", (b"sec-fetch-dest", b"iframe")), False),
        ("GET", [*BY_LINK, (b"early-data", b"1")], False),
        ("GET", [*BY_LINK, (b"sec-purpose", b"prefetch")], False),
        ("GET", [*BY_LINK, (b"purpose", b"prefetch")], False),
    ],
)
def test_only_a_persons_own_navigation_sends_a_code(
    method: str, headers: list[tuple[bytes, bytes]], came: bool
) -> None:
    """No guess of a browser, no replay and no other site costs a person a text message."""
    assert _came_by_link({"method": method, "headers": headers}) is came


@pytest.mark.parametrize(
    ("refusal", "problem"),
    [
        (
            Refusal(reason="phone_region", detail="CH DE AT"),
            Problem(reason="phone_region", field="code", detail="Germany, Austria", about="Switzerland"),
        ),
        (Refusal(reason="phone_region"), Problem(reason="phone_region", field="code")),
        (
            Refusal(reason="phone_invalid", detail="+49 1512"),
            Problem(reason="phone_invalid", field="code", detail="\u2066+49 1512\u2069"),
        ),
        (Refusal(reason="phone_type", detail="pager"), Problem(reason="phone_type", field="code", detail="pager")),
        (Refusal(reason="too_soon", retry_after=9), Problem(reason="too_soon", field="code", seconds=9)),
        (Refusal(reason="clock_off", drift=-90, retry_after=9), Problem(reason="clock_off", field="code", seconds=-90)),
    ],
)
def test_a_refusal_beside_a_field(refusal: Refusal, problem: Problem) -> None:
    """Names of countries are words, a number keeps its direction.

    A drift comes before a wait.
    """
    assert problem_from(refusal) == problem


def test_a_shown_slip() -> None:
    """A host's own template finds the code and its end, or nothing."""
    bare = AdminAccount(desk=None, id="ann", name="", status="", url="", back="")  # type: ignore[arg-type]
    assert (bare.shown_ticket, bare.ticket_ends_at) == ("", 0)
    with_slip = replace(bare, slip=Slip(id="ann", name="", code="C-1", ends_at=77))
    assert (with_slip.shown_ticket, with_slip.ticket_ends_at) == ("C-1", 77)


def test_a_letter_keeps_what_is_not_of_its_brand() -> None:
    """A name that is set to a part of this one letter stays; that of the brand is written in."""
    view: Any = SimpleNamespace(
        light=SimpleNamespace(ink="#111"), dark=None, font="f", radius=4, lang="de", dir="ltr", title="Trial"
    )
    source = (
        "{% set light = view.light %}{% set title = view.title %}{% set two = 1 + 1 %}"
        "{{ light.ink }}/{{ title }}/{{ view.lang }}/{{ view.radius }}/{{ two }}/{{ view.title }}"
    )
    made_ = written_in(_ours(), "x.html", source, view)
    view.lang, view.radius, view.light, view.title = "other", 9, SimpleNamespace(ink="other"), "Second"
    assert made_.render(view=view) == "#111/Second/de/4/2/Second"


def test_a_form_that_is_shown_again_sends_no_code() -> None:
    """The header that tells a navigation goes, whatever others say."""
    headers = [(b"sec-fetch-mode", b"navigate"), (b"x", b"sec-fetch-mode")]
    assert _quiet({"headers": headers}) == [(b"x", b"sec-fetch-mode"), (b"accept", b"text/html")]


async def test_the_end_of_a_body_that_was_read() -> None:
    """The app behind it hears an empty last piece."""
    assert await nothing_more() == {"type": "http.request", "body": b"", "more_body": False}


# -- calls -------------------------------------------------------------------------------------------------------------


async def test_a_token_may_be_the_first_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is opened for it, and no cookie is read."""
    first = make_world()
    async with running(first) as world:
        token = await made(world, "look")
        later = make_world(store=world.store.another(), clock=world.clock)  # type: ignore[attr-defined]
        seen: list[Any] = []
        real = page_request

        async def noted(site: Any, scope: Any, subject: Any) -> Any:
            seen.append(scope["headers"])
            return await real(site, scope, subject)

        monkeypatch.setattr("mfa_gate.web.automation.request_of", noted)
        headers = [("authorization", f"Bearer {token}"), ("cookie", "mfa-lang=de"), ("x-kept", "cookie")]
        reply = await Browser(later).ask("GET", "/mfa/api/admin/accounts", headers=headers)
        assert (reply.status, reply.json()["accounts"]) == (200, [])
        assert b"cookie" not in dict(seen[0])
        assert (b"x-kept", b"cookie") in seen[0]
        await later.gate.web.aclose()


async def test_a_query_of_too_many_parameters(world: World) -> None:
    """It is refused in words, before anything is looked up."""
    boss = await world.enrolled("boss", groups=["admin"])
    for query in ("&".join(f"p{number}=1" for number in range(21)), "q=%ff"):
        reply = await boss.api("GET", f"admin/accounts?{query}")
        assert (reply.status, reply.json()["title"]) == (422, "The query cannot be read")
        assert reply.json()["detail"] == "Send at most twenty parameters, percent-encoded UTF-8."


async def test_an_enrollment_whose_code_was_not_sent(world: World) -> None:
    """The draft is named, so that the code can be sent again."""
    world.sms.failure = SendFailed("unreachable", transient=True)
    ann = await world.browser()
    reply = await ann.api("POST", "enroll", {"factor": "sms", "phone": PHONE})
    (draft,) = (await world.account()).enrollments
    told = reply.json()
    assert (told["reason"], told["enrollment"], told["cause"]) == ("send_failed", draft.id, "unreachable")
    assert reply.status == told["status"] >= 400


@pytest.mark.parametrize("factor", ["totp", "backup-code"])
@pytest.mark.parametrize("remember", [True, False])
async def test_a_copy_of_an_answer_gets_its_result(world: World, factor: str, remember: bool) -> None:
    """A JSON call whose answer was lost is answered as the first time.

    So no backup code is lost with it.
    Nothing is granted twice. A browser that did not ask, or asks later, is told that the code was used.
    """
    ann = await world.enrolled()
    world.clock.advance(3600)
    other = await world.browser(sid="other")
    await other.state()
    code = ann.totp() if factor == "totp" else ann.backup[0]
    answer = {"authenticator": await ann.authenticator(factor), "response": code, "remember": remember}
    before, stranger = dict(other.cookies), await world.browser(sid="third")
    copy, late = Browser(world, cookies=dict(before)), Browser(world, cookies=dict(before))
    first = await other.api("POST", "verify", answer)
    again = await copy.api("POST", "verify", answer)
    assert (again.status, again.json()) == (200, first.json())
    cookies = [[value for key, value in reply.headers if key == b"set-cookie"] for reply in (first, again)]
    assert cookies[0] == cookies[1]
    assert await copy.is_in()
    assert len(world.kinds("proof.granted")) == 2, "that of the enrollment, and this one"
    assert (await stranger.api("POST", "verify", answer)).reason == "code_already_used"
    world.clock.advance(TWIN_LIFE)
    assert (await late.api("POST", "verify", answer)).reason == "code_already_used"
    assert (await world.account()).attempts.used == 0


async def test_a_forgotten_person_has_a_pseudonym(world: World) -> None:
    """The call tells it; for somebody who was never here there is none."""
    await world.enrolled("ann")
    boss = await world.enrolled("boss", groups=["admin"])
    done = await boss.api("POST", "admin/accounts/ann/forget", {"reason": "has left"})
    (event,) = world.kinds("account.forgotten")
    assert (done.status, done.json()) == (200, {"pseudonym": event.account})
    assert event.account.startswith("forgotten-")
    again = await boss.api("POST", "admin/accounts/nobody/forget", {"reason": "has left"})
    assert (again.status, again.json()) == (200, {"pseudonym": None})


@pytest.mark.parametrize(
    ("method", "media", "status", "told"),
    [
        ("GET", "application/secevent+jwt", 405, "method_not_allowed"),
        ("POST", "application/jwt", 400, "Send the token as application/secevent+jwt."),
    ],
)
async def test_what_is_no_push(method: str, media: str, status: int, told: str) -> None:
    """A transmitter reads in the answer what to do."""
    async with running(make_world(signals=settings())) as world:
        headers = [("content-type", media), ("accept", "application/json")]
        reply = await Browser(world).ask(method, "/mfa/hooks/signals", headers=headers, body=b"x")
        assert reply.status == status
        assert told in reply.text
        assert reply.header("allow") == ("POST" if status == 405 else "")


async def test_a_push_that_is_too_large() -> None:
    """The reason is an error code of RFC 8935, with a sentence."""
    async with running(make_world(signals=settings())) as world:
        reply = await push(world, signed() + "x" * 200_000)
        assert (reply.status, reply.json()["err"]) == (400, "invalid_request")
        assert reply.json()["description"]
        assert reply.header("content-language") == "en"


# -- pages -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """List the words that pages were shown with besides their view, newest last."""
    found: list[dict[str, Any]] = []
    real = PageRequest.show

    def show(self: PageRequest, view: Any, **more: Any) -> Any:
        found.append(more)
        return real(self, view, **more)

    monkeypatch.setattr(PageRequest, "show", show)
    return found


async def test_a_code_that_was_sent_to_another_browser_just_now(world: World, shown: list[dict[str, Any]]) -> None:
    """The page that would send one by itself says when it will, and is no error."""
    ann = await world.browser()
    mail = await ann.enroll_email()
    world.clock.advance(3600)
    for sid, sends in (("other", 1), ("third", 0)):
        browser = await world.browser(sid=sid)
        await browser.page("/records")
        before = len(world.email.messages)
        reply = await browser.page(f"/mfa/challenge/{mail}")
        assert (reply.status, len(world.email.messages) - before) == (200, sends)
    assert shown[-1] == {"status": 200, "notice": Notice(word="wait", count=30)}


async def test_a_text_that_the_host_refuses(shown: list[dict[str, Any]]) -> None:
    """The page says so where it would have sent one by itself."""

    def refuse(_: object) -> str:
        return "blocked"

    async with running(make_world()) as world:
        new = await world.browser()
        begun = (await new.api("POST", "enroll", {"factor": "sms", "phone": PHONE})).json()
        confirm = {"enrollment": begun["enrollment"], "response": world.sms.codes[-1]}
        assert (await new.api("POST", "enroll/confirm", confirm)).status == 201
        text = await new.authenticator("sms")
        world.clock.advance(3600)
        world.engine.wiring = replace(world.engine.wiring, before_send=refuse)
        other = await world.browser(sid="other")
        await other.page("/records")
        sent = len(world.sms.messages)
        reply = await other.page(f"/mfa/challenge/{text}")
        assert (reply.status, len(world.sms.messages)) == (200, sent)
        assert shown[-1] == {"problems": [Problem(reason="send_refused", field="")]}


async def test_a_factor_that_cannot_be_set_up(world: World) -> None:
    """Backup codes have a page of their own, and a kind that is not allowed begins nothing."""
    new = await world.browser()
    token = await new.token()
    assert (await new.form("/mfa/enroll/backup-code", {"action": "start"}, token=token)).status == 404
    assert (await new.form("/mfa/enroll/fax", {"action": "start"}, token=token)).status == 404
    assert (await new.form("/mfa/enroll/webauthn", {"action": "start"}, token=token)).status == 422
    assert (await world.account()).enrollments == ()


async def test_a_wish_for_a_code_without_a_draft(world: World) -> None:
    """The page begins anew."""
    new = await world.browser()
    reply = await new.form("/mfa/enroll/sms", {"action": "send"}, token=await new.token())
    assert (reply.status, reply.location.partition("#")[0]) == (303, "/mfa/enroll/sms")


async def test_a_code_that_cannot_be_sent_again(world: World) -> None:
    """The draft's page comes back with the reason."""
    new = await world.browser()
    assert (await new.form("/mfa/enroll/sms", {"action": "start", "phone": PHONE})).status == 303
    world.clock.advance(60)
    world.engine.wiring = replace(world.engine.wiring, before_send=lambda _: "blocked")
    reply = await new.form("/mfa/enroll/sms", {"action": "send"})
    assert reply.status == 422
    assert len(world.sms.messages) == 1


async def test_one_more_method_from_the_settings_ends_there(world: World) -> None:
    """One more, an hour later and without an interrupted page, leads to the settings."""
    ann = await world.enrolled()
    world.clock.advance(3600)
    await ann.prove()
    assert (await ann.form("/mfa/enroll/email", {"action": "start"})).status == 303
    done = await ann.form("/mfa/enroll/email", {"action": "confirm", "code": world.email.codes[-1]})
    assert (done.status, done.location) == (303, "/mfa#"), done.text


async def test_a_report_that_is_longer_than_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says that it was cut; one of exactly so many rows is whole."""
    async with running(make_world(policy=REVIEWED, directory=directory)) as world:
        await fill(world)
        boss = await world.enrolled("boss", groups=["admin"])
        shown: list[Any] = []
        real = reports._drawn

        async def drawn(*given: Any) -> Any:
            shown.append(await real(*given))
            return shown[-1]

        monkeypatch.setattr(reports, "_drawn", drawn)
        for most in (1, 2, 3):
            monkeypatch.setattr(reports, "MOST", most)
            assert (await boss.page("/mfa/admin/reports/grants")).status == 200
        assert [(len(view.rows), view.is_cut) for view in shown] == [(1, True), (2, False), (2, False)]
        assert [row["id"] for row in shown[0].rows] == ["opened"]
        assert shown[0].urls == ("/mfa/admin/accounts/opened",)


LIST = "/mfa/admin/accounts"
LISTED: dict[str, dict[str, Any]] = {
    "?status=not_enrolled": {
        "people": ["bare", "ticket"],
        "urls": [f"{LIST}/bare", f"{LIST}/ticket"],
        "next_url": f"{LIST}?status=not_enrolled&after=ticket",
        "first_url": "",
        "looked_at": False,
        "url": f"{LIST}?status=not_enrolled",
        "csv_url": f"{LIST}?status=not_enrolled&format=csv",
        "filter": "status=not_enrolled",
        "may_remind": True,
        "acts": ("remind", "unlock", "ticket", "end-sessions", "forget"),
        "hidden": (("status", "not_enrolled"),),
        "more_filters": False,
        "current": ["not_enrolled"],
        "exempt": 1,
        "order": ["", "", ""],
    },
    "?status=not_enrolled&after=never1": {
        "people": ["ticket", "never1"],
        "urls": [f"{LIST}/ticket", ""],
        "first_url": f"{LIST}?status=not_enrolled",
        "next_url": f"{LIST}?status=not_enrolled&after=%1F1%1Fnever1",
    },
    "?q=t&sort=-name&factor=totp": {
        "people": ["terms", "stolen"],
        "url": f"{LIST}?q=t&factor=totp&sort=-name",
        "csv_url": f"{LIST}?q=t&factor=totp&format=csv",
        "filter": "q=t&factor=totp",
        "may_remind": False,
        "hidden": (("sort", "-name"),),
        "more_filters": True,
        "query": "t",
        "status": "",
        "current": [""],
        "order": ["", "down", ""],
        "turned": [f"{LIST}?q=t&factor=totp&sort={name}" for name in ("id", "name", "-last")],
    },
    "?sort=name": {"order": ["", "up", ""], "turned": [f"{LIST}?sort={name}" for name in ("id", "-name", "-last")]},
    "?sort=-last": {"order": ["", "", "down"], "turned": [f"{LIST}?sort={name}" for name in ("id", "name", "last")]},
    "?sort=odd": {
        "people": [],
        "wrong": "sort",
        "acts": (),
        "next_url": "",
        "looked_at": False,
        "may_remind": False,
        "hidden": (),
    },
    "?status=locked": {
        "people": ["locked"],
        "next_url": "",
        "looked_at": False,
        "current": ["locked"],
        "counts": (("verified", 10), ("not_enrolled", 2), ("locked", 1), ("recovery", 1)),
        "tabs": [
            ("", 16, LIST),
            ("not_enrolled", 4, f"{LIST}?status=not_enrolled"),
            ("locked", 1, f"{LIST}?status=locked"),
            ("recovery", 1, f"{LIST}?status=recovery"),
            ("verified", 10, f"{LIST}?status=verified"),
        ],
    },
}
"""The facts of the list of people, two a page, by its address."""


async def test_the_facts_of_the_list_of_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each link keeps the filters and changes one thing.

    A filter that is wrong lists nobody and offers nothing.
    """
    views: list[Any] = []
    real = PageRequest.show

    def show(self: PageRequest, view: Any, **more: Any) -> Any:
        views.append(view)
        return real(self, view, **more)

    monkeypatch.setattr(PageRequest, "show", show)
    monkeypatch.setattr(people_page, "PAGE", 2)
    async with running(make_world(policy=REVIEWED, directory=directory)) as world:
        await fill(world)
        boss = await world.enrolled("boss", groups=["admin"])
        found: dict[str, dict[str, Any]] = {}
        for query, wanted in LISTED.items():
            reply = await boss.page(f"{LIST}{query}")
            view = views[-1]
            assert reply.status == (422 if view.wrong else 200)
            lines = {
                "people": [row.line.id for row in view.people],
                "urls": [row.url for row in view.people],
                "tabs": [(tab.word, tab.count, tab.url) for tab in view.tabs],
                "current": [tab.word for tab in view.tabs if tab.current],
                "order": [head.order for head in view.heads.values()],
                "turned": [head.url for head in view.heads.values()],
            }
            found[query] = {name: lines[name] if name in lines else getattr(view, name) for name in wanted}
        assert found == LISTED


async def test_the_desk_is_closed_to_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists and acts on many are refused to a person without the right.

    The page of the refusal names the person.
    """
    names, real = list[str](), PageRequest.frame

    def frame(self: PageRequest, **more: Any) -> Any:
        made_ = real(self, **more)
        names.append(made_.person)
        return made_

    bob = await world.enrolled("bob")
    await bob.page("/mfa")
    assert await world.store.swap(replace(await world.account("bob"), name="Bob"))
    monkeypatch.setattr(PageRequest, "frame", frame)
    boss = await world.enrolled("boss", groups=["admin"])
    assert (await bob.page("/mfa/admin/accounts?format=csv")).status == 403
    token = await bob.token("/mfa")
    for place, fields in (
        ("/accounts", {"action": "remind", "all": "yes"}),
        ("/policy", {"digest": "d", "reason": "x"}),
    ):
        assert (await bob.form(f"/mfa/admin{place}", fields, token=token)).status == 403, place
    assert set(names) == {"Bob"}
    theirs = await boss.token("/mfa")
    odd = {"action": "lock", "all": "yes", "filter": "status=odd"}
    assert (await boss.form("/mfa/admin/many", odd, token=theirs)).status == 404


async def test_backup_codes_that_cannot_be_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of the stock comes back with the reason."""
    ann = await world.enrolled()

    async def refused(*_: Any) -> Refusal:
        return Refusal(reason="not_enrollable")

    world.clock.advance(3600)
    await ann.prove()
    token = await ann.token("/mfa")
    monkeypatch.setattr(world.gate.service.backup, "make", refused)
    reply = await ann.form("/mfa/backup-codes", {"action": "make"}, token=token)
    assert reply.status == 422


async def test_a_request_for_help_that_comes_too_often(world: World, shown: list[dict[str, Any]]) -> None:
    """After three in a day the page comes back with what was typed, and says when."""
    ann = await world.enrolled()
    world.clock.advance(3600)
    other = await world.browser(sid="other")
    for number in range(REQUESTS_PER_DAY):
        assert (await other.form("/mfa/recovery", {"about": f"lost {number}"})).status == 303
        assert (await ann.form("/mfa", {"action": "stop"})).status == 303
    late = await other.form("/mfa/recovery", {"about": "lost once more"})
    assert late.status == 422
    assert "lost once more" in late.text
    assert shown[-1]["notice"].word == "wait"
    assert shown[-1]["notice"].count == 86_400
    assert (await world.account()).recovery is None


# -- the endpoint's own demand -----------------------------------------------------------------------------------------


def test_a_demand_names_itself() -> None:
    """An operator finds it in a trace."""
    assert repr(require_proof("5m")).startswith("require_proof(Demand(rule='require_proof', max_age=300")


async def test_a_guarded_function_needs_the_request() -> None:
    """Without one nobody can be judged, so it is refused and not passed."""

    @require_proof("5m")
    async def bare(number: int) -> int:
        return number

    with pytest.raises(TypeError, match="@require_proof: bare takes no request; give it one, or use Depends"):
        await bare(5)


async def test_a_call_of_another_site_is_refused_in_words(world: World) -> None:
    """The header, then the origin, each with its own title and member."""
    ann = await world.enrolled()
    plain = [*FETCH, JSON, ("origin", ORIGIN)]
    for headers, member, title in (
        (plain, "X-MFA-Gate", "The header X-MFA-Gate is missing"),
        (
            [*FETCH, JSON, ("x-mfa-gate", "1"), ("origin", "https://evil.example")],
            "Origin",
            "This origin may make no changes",
        ),
    ):
        reply = await ann.api("POST", "challenge", {"authenticator": "x"}, headers=headers)
        assert (reply.status, reply.json()["member"], reply.json()["title"]) == (403, member, title)


GONE = "That was removed in the meantime."


async def test_a_form_for_a_factor_that_was_removed_elsewhere(world: World) -> None:
    """The person with the right code is told, and goes on with what is left.

    After a reset that is the set-up. A wrong address is another thing.
    """
    ann = await world.enrolled()
    mail, app = await ann.enroll_email(), await ann.authenticator("totp")
    other, third = await world.browser(sid="other"), await world.browser(sid="third")
    tokens = await other.token(f"/mfa/challenge/{mail}"), await third.token(f"/mfa/challenge/{app}")
    assert (await ann.api("DELETE", f"authenticators/{mail}")).status == 204
    told = await other.form(f"/mfa/challenge/{mail}", {"code": world.email.codes[-1]}, token=tokens[0])
    assert (told.status, GONE in told.text, f'action="/mfa/challenge/{app}#errors"' in told.text) == (422, True, True)
    assert (await world.account()).attempts.used == 0
    boss = await world.enrolled("boss", groups=["admin"])
    assert (await boss.api("POST", "admin/accounts/ann/reset", {"ticket": "T-1", "reason": "lost"})).status == 200
    on = await third.form(f"/mfa/challenge/{app}", {"code": ann.totp()}, token=tokens[1])
    assert (on.status, on.location) == (303, "/mfa/enroll")


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "remove", "authenticator": "gone"},
        {"action": "rename", "authenticator": "gone", "label": "x"},
        {"action": "default", "authenticator": "gone"},
        {"action": "forget", "browser": "gone"},
    ],
    ids=lambda fields: fields["action"],
)
async def test_settings_for_a_thing_that_was_removed_elsewhere(world: World, fields: dict[str, str]) -> None:
    """Another tab was faster: the page shows how things are now."""
    ann = await world.enrolled()
    told = await ann.form("/mfa", fields)
    assert (told.status, GONE in told.text, "Your sign-in security" in told.text) == (422, True, True)


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "forget-browser", "item": "gone", "reason": "lost"},
        {"action": "refuse", "reason": "no"},
        {"action": "withdraw", "reason": "no"},
        {"action": "approve", "ref": "gone"},
        {"action": "ticket", "reason": "new here"},
        {"action": "break-glass", "reason": "no phone", "ticket": "T-1", "hours": "2"},
    ],
    ids=lambda fields: fields["action"],
)
async def test_an_act_that_fits_no_more(world: World, fields: dict[str, str]) -> None:
    """Two administrators at once: the slower one sees the account as it is now.

    A person who is locked makes no locked administrator.
    """
    await world.enrolled()
    boss = await world.enrolled("boss", groups=["admin", "security"])
    if fields["action"] == "break-glass":
        assert (await boss.api("POST", "admin/accounts/ann/lock", {"reason": "stolen"})).status == 200
    told = await boss.form("/mfa/admin/accounts/ann", fields)
    assert told.status == 422, (told.status, told.location)
    assert "This isn’t possible any more. The account has changed in the meantime." in told.text
    assert "<title>Error: Ann" in told.text
    unknown = await boss.form("/mfa/admin/accounts/nobody", {**fields, "action": "lock"})
    assert unknown.status == 404


async def test_hours_and_a_second_erasure(world: World) -> None:
    """Hours are read in the digits of any script.

    A person who is erased already leads to the list, as the first time.
    """
    await world.enrolled()
    boss = await world.enrolled("boss", groups=["admin"])
    asked = {"action": "break-glass", "reason": "no phone", "ticket": "T-1", "hours": "٢"}
    assert (await boss.form("/mfa/admin/accounts/ann", asked)).status == 303
    grant = (await world.account()).grant
    assert grant is not None
    assert grant.life == 7200
    for _ in range(2):
        done = await boss.form("/mfa/admin/accounts/ann", {"action": "forget", "reason": "left"})
        assert (done.status, done.location) == (303, "/mfa/admin/accounts#")
