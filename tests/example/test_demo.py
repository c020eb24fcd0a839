"""The demo controls: for this machine only, one clock and one outbox for all workers."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest

from example_app.app import create
from example_app.clock import DemoClock
from example_app.outbox import OutboxSender
from example_app.parts import Parts
from example_app.settings import Settings
from mfa_gate.ports import Message

from .conftest import Visit, sign_in

PATHS = [("GET", "/demo"), ("GET", "/demo/outbox.json"), ("POST", "/demo/clock"), ("POST", "/demo/address")]


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize("peer", ["192.0.2.7", "2001:db8::7", "testclient", ""])
def test_other_machines_find_no_demo(visit: Visit, peer: str, method: str, path: str) -> None:
    """A peer that is not this machine gets 404, whatever it claims in headers and cookies."""
    client = visit(peer)
    headers = {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1", "X-Real-IP": "127.0.0.1"}
    client.cookies.set("demo_address", "127.0.0.1")
    assert client.request(method, path, headers=headers).status_code == 404


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_needs_no_sign_in(visit: Visit, peer: str) -> None:
    """Every loopback peer reads the outbox without signing in."""
    assert visit(peer).get("/demo/outbox.json").json() == []


def test_a_forwarded_header_does_not_take_the_demo_away(visit: Visit) -> None:
    """The rule looks at the socket only: a header that names another machine changes nothing."""
    assert visit().get("/demo", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 200


def test_a_foreign_name_for_this_machine_finds_no_demo(visit: Visit) -> None:
    """A page elsewhere with its own name for this machine cannot read the codes.

    That is DNS rebinding.
    """
    assert visit(host="evil.example:8000").get("/demo/outbox.json").status_code == 404
    # As a header: the test client of the lowest Starlette cannot read such an address.
    assert visit().get("/demo/outbox.json", headers={"Host": "[::1]:8000"}).status_code == 200
    assert visit().get("/demo/outbox.json", headers={"Host": "[::2]:8000"}).status_code == 404


async def test_outbox_shows_what_was_sent_newest_first(visit: Visit, parts: Parts) -> None:
    """The JSON has the documented keys, with the latest message on top.

    ``code`` is there only for a message with one.
    """
    sender = OutboxSender(parts.outbox)
    code = Message(
        channel="sms", to="+12025550100", tenant="clinic", text="123456 is your code", key="a", code="123456"
    )
    note = Message(channel="email", to="user@clinic.example", tenant="clinic", subject="News", text="Hello", key="b")
    await sender.send(code)
    await sender.send(note)
    newest, oldest = visit().get("/demo/outbox.json").json()
    assert newest == {
        "channel": "email",
        "to": "user@clinic.example",
        "tenant": "clinic",
        "subject": "News",
        "text": "Hello",
        "at": newest["at"],
    }
    assert oldest["code"] == "123456"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", newest["at"])
    assert "123456" in visit().get("/demo").text


async def test_codes_do_not_reach_standard_output(parts: Parts, capfd: pytest.CaptureFixture[str]) -> None:
    """Sending says nothing on the terminal."""
    message = Message(channel="sms", to="+12025550100", tenant="clinic", text="777123", key="a", code="777123")
    await OutboxSender(parts.outbox).send(message)
    said = capfd.readouterr()
    assert said.out + said.err == ""


def test_an_advance_holds_for_all_workers_at_once(visit: Visit, settings: Settings, parts: Parts) -> None:
    """Another process's clock over the same directory shows the advance at its next look."""
    other = DemoClock(settings.data / "clock")
    before = other.now()
    answer = visit().post("/demo/clock", json={"advance_seconds": 604_800})
    assert 604_800 <= other.now() - before < 604_810
    assert abs(other.now() - parts.clock.now()) < 1
    now = datetime.fromisoformat(answer.json()["now"])
    assert abs(now.timestamp() - other.now()) < 5


def test_advances_add_up_and_survive_a_restart(visit: Visit, settings: Settings) -> None:
    """Two advances are both in force in an app that starts later."""
    client = visit()
    first = client.post("/demo/clock", json={"advance_seconds": 60}).json()["now"]
    second = client.post("/demo/clock", json={"advance_seconds": 3_600.5}).json()["now"]
    assert datetime.fromisoformat(second) - datetime.fromisoformat(first) >= timedelta(hours=1)
    later = create(settings)
    assert later.state.parts.clock.now() >= datetime.fromisoformat(second).timestamp()
    later.state.parts.database.close()


def test_the_time_machine_works_as_a_form(visit: Visit, parts: Parts) -> None:
    """Without script the button goes back to the page with the new time."""
    before = parts.clock.now()
    answer = visit().post("/demo/clock", data={"advance_seconds": "86400"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/demo")
    assert parts.clock.now() - before >= 86_400


@pytest.mark.parametrize("value", ['"soon"', "null", "true", "[1]", "1e300", "NaN", "{}", ""])
def test_nonsense_does_not_move_the_time(visit: Visit, parts: Parts, value: str) -> None:
    """A value that is no sensible number of seconds is refused, and the clock stays."""
    before = parts.clock.now()
    answer = visit().post(
        "/demo/clock",
        content=f'{{"advance_seconds": {value}}}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 400
    assert parts.clock.now() - before < 5


@pytest.mark.parametrize("path", ["/demo/clock", "/demo/address"])
def test_another_site_cannot_work_the_controls(visit: Visit, path: str) -> None:
    """A form on another site, opened on this machine, moves nothing."""
    answer = visit().post(
        path, data={"advance_seconds": "60", "address": "203.0.113.9"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403


def test_a_browser_here_can_come_from_elsewhere(visit: Visit) -> None:
    """The app sees the chosen address from then on, until it is taken back.

    The demo page stays in reach.
    """
    client = visit()
    client.post("/demo/address", data={"address": "203.0.113.9"})
    assert "203.0.113.9" in client.get("/demo").text
    client.post("/demo/address", data={"address": ""})
    assert "203.0.113.9" not in client.get("/demo").text


def test_no_address_is_made_up(visit: Visit) -> None:
    """A text that is no IP address is refused as a choice and ignored as a cookie."""
    client = visit()
    assert client.post("/demo/address", data={"address": "elsewhere"}).status_code == 400
    client.cookies.set("demo_address", "elsewhere")
    assert "elsewhere" not in client.get("/demo").text


def test_the_page_of_accounts_is_for_this_machine(visit: Visit) -> None:
    """The sign-in page lists accounts and password here, and nothing of it to others."""
    assert "demo-password" in visit().get("/login").text
    assert "demo-password" not in visit("192.0.2.7").get("/login").text


def test_codes_are_shown_as_text(visit: Visit, parts: Parts) -> None:
    """A message cannot bring markup into the page."""
    parts.outbox.add(Message(channel="email", to="a@b.example", tenant="x", subject="<b>x", text="<script>", key="k"))
    page = visit().get("/demo").text
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_signed_in_or_not_makes_no_difference(visit: Visit) -> None:
    """The demo page is there for a person in the middle of signing in, too."""
    client = visit()
    sign_in(client, "user@finance.example")
    assert client.get("/demo").status_code == 200
