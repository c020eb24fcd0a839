"""The example app's own sign-in: passwords, sessions, tokens, and where it leads."""

from __future__ import annotations

import pytest

from example_app.accounts import ACCOUNTS, Account
from example_app.forms import safe_next
from example_app.parts import Parts

from .conftest import Visit, sign_in


@pytest.mark.parametrize("account", ACCOUNTS[::5], ids=lambda account: account.email)
def test_every_account_signs_in(visit: Visit, account: Account) -> None:
    """The published password opens every listed account.

    A page that is free of the second factor says whose it is.
    """
    client = visit()
    assert sign_in(client, account.email)
    assert account.email in client.get("/portal").text


def test_wrong_password_answers_422_and_signs_nobody_in(visit: Visit) -> None:
    """A refused sign-in shows the form again with one message.

    The message does not tell if the name exists.
    """
    client = visit()
    pages = [
        client.post("/login", data={"username": username, "password": "wrong"})
        for username in ("user@practice.example", "nobody@practice.example")
    ]
    assert [page.status_code for page in pages] == [422, 422]
    assert all('id="errors"' in page.text and 'role="alert"' in page.text for page in pages)
    assert pages[0].text.split("<h1")[0].replace("user@", "") == pages[1].text.split("<h1")[0].replace("nobody@", "")
    assert client.get("/api/me").status_code == 401


def test_a_name_is_one_account_in_every_spelling(visit: Visit) -> None:
    """Case and blanks around the address do not make a second person.

    A second person would have a second budget of attempts.
    """
    client = visit()
    assert sign_in(client, "  User@Practice.EXAMPLE ")
    assert client.get("/api/me").json()["id"] == "user@practice.example"


def test_each_sign_in_is_a_session_of_its_own(visit: Visit, parts: Parts) -> None:
    """Two sign-ins of one person have different session names.

    So a proof of one does not serve the other.
    """
    client = visit()
    sign_in(client, "user@practice.example")
    first = client.cookies["session"]
    client.post("/logout")
    sign_in(client, "user@practice.example")
    assert client.cookies["session"] != first


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_sign_out_ends_the_session(visit: Visit, method: str) -> None:
    """After signing out the app knows nobody."""
    client = visit()
    sign_in(client, "user@practice.example")
    assert client.request(method, "/logout").status_code == 303
    assert client.get("/api/me").status_code == 401


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_site_cannot_sign_out(visit: Visit, method: str) -> None:
    """A link or a form on another site asks first, and the session stays."""
    client = visit()
    sign_in(client, "user@practice.example")
    answer = client.request(method, "/logout", headers={"Sec-Fetch-Site": "cross-site"})
    assert "Sign out?" in answer.text
    assert client.get("/api/me").status_code == 200


def test_another_site_cannot_sign_in(visit: Visit) -> None:
    """A form on another site cannot sign a victim in to the attacker's account."""
    answer = visit().post(
        "/login",
        data={"username": "user@practice.example", "password": "demo-password"},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("following", "leads_to"),
    [
        ("/records", "/records"),
        ("/records?page=2", "/records?page=2"),
        ("", "/"),
        ("records", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("/%5cevil\\x", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\tevil.example", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        (" //evil.example", "/"),
    ],
)
def test_next_never_leaves_the_site(visit: Visit, following: str, leads_to: str) -> None:
    """S-101: after signing in, only a path of this site is followed."""
    assert safe_next(following) == leads_to
    assert sign_in(visit(), "user@practice.example", following=following) == leads_to


def test_patients_start_in_the_portal(visit: Visit) -> None:
    """A patient is led to the portal and finds the staff's records closed."""
    client = visit()
    assert sign_in(client, "patient@clinic.example") == "/portal"
    assert client.get("/portal").status_code == 200
    assert client.get("/records").status_code == 403


def test_a_token_serves_a_client_without_cookies(visit: Visit) -> None:
    """The token of /api/token is as good as a session.

    Another one is nobody, whatever cookie comes with it.
    """
    client = visit()
    answer = client.post("/api/token", json={"username": "user@practice.example", "password": "demo-password"})
    assert answer.status_code == 200
    token = answer.json()["token"]
    me = client.get("/api/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json()["tenant"] == "practice"
    sign_in(client, "user@clinic.example")
    assert client.get("/api/me", headers={"Authorization": "Bearer not-a-token"}).status_code == 401


def test_the_token_itself_is_not_kept(visit: Visit, parts: Parts) -> None:
    """A reader of the app's file finds digests, and cannot sign in with them."""
    answer = visit().post("/api/token", json={"username": "user@practice.example", "password": "demo-password"})
    token = answer.json()["token"]
    stored = parts.database.rows("SELECT digest FROM tokens")
    assert stored
    assert all(token not in digest for (digest,) in stored)
    assert parts.accounts.bearer(stored[0][0]) is None


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"username": "user@practice.example", "password": "wrong"}', "application/json", 401),
        (b'{"username": "user@practice.example"}', "application/json", 400),
        (b'{"username": ["user@practice.example"], "password": "demo-password"}', "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[" * 16_000, "application/json", 400),
        (b"username=user%40practice.example&password=demo-password", "application/x-www-form-urlencoded", 415),
        (b'{"username": "user@practice.example", "password": "demo-password"}', "text/plain", 415),
        (b" " * 20_000, "application/json", 413),
    ],
)
def test_a_token_needs_the_documented_request(visit: Visit, body: bytes, content_type: str, status: int) -> None:
    """Everything but the right JSON is refused with its own status and without a token."""
    answer = visit().post("/api/token", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status
    assert '"token"' not in answer.text


def test_a_new_password_ends_what_the_old_one_opened(visit: Visit, parts: Parts) -> None:
    """A reset ends the old password with its sessions and tokens.

    The temporary password opens.
    """
    client = visit()
    sign_in(client, "user@screening.example")
    credentials = {"username": "user@screening.example", "password": "demo-password"}
    bearer = {"Authorization": "Bearer " + visit().post("/api/token", json=credentials).json()["token"]}
    temporary = parts.accounts.set_temporary_password("user@screening.example")
    assert client.get("/api/me").status_code == 401
    assert visit().get("/api/me", headers=bearer).status_code == 401
    assert sign_in(visit(), "user@screening.example") == ""
    assert sign_in(visit(), "user@screening.example", temporary) == "/"


def test_a_browser_that_asks_by_number_is_led_to_the_name(visit: Visit) -> None:
    """A browser at 127.0.0.1 is led to localhost, the relying party.

    Other clients are left alone.
    """
    by_number = visit(host="127.0.0.1:8000")
    answer = by_number.get("/login?next=/records", headers={"Sec-Fetch-Mode": "navigate"})
    assert answer.headers["location"] == "http://localhost:8000/login?next=/records"
    assert by_number.get("/login").status_code == 200
