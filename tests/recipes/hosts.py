"""Describe for each recipe the acts of its people.

They sign in, sign out, see one page that needs both factors, and keep a websocket or a stream.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.recipes.browser import Person

NAME, PASSWORD = "ann", "demo-password"
DJANGO = "csrfmiddlewaretoken"
FORM = {"username": NAME, "password": PASSWORD}


@dataclass(frozen=True)
class Host:
    """Hold the acts of one recipe's people.

    ``page`` shows ``text`` to those who may see it, and answers strangers with the status ``stranger``. ``stream`` sends
    ``lines``. At ``websocket`` a browser ``says`` something and ``hears`` something, in ``protocol`` if there is one.
    """

    module: str
    signs_in: Callable[[Person], None]
    signs_out: Callable[[Person], None]
    text: str
    page: str = "/"
    websocket: str = ""
    says: str = "hello"
    hears: str = "hello"
    protocol: str = ""
    stream: str = ""
    lines: str = ""
    stranger: int = 401


def posts(path: str, **form: str) -> Callable[[Person], None]:
    """Return the act of sending a form to the app."""

    def act(person: Person) -> None:
        reply = person.post(path, data=form)
        assert reply.status_code < 400, reply.text

    return act


def posts_json(path: str, **members: str) -> Callable[[Person], None]:
    """Return the act of sending JSON to the app."""

    def act(person: Person) -> None:
        assert person.post(path, json=members).status_code == 200

    return act


def takes_token(path: str) -> Callable[[Person], None]:
    """Return the act of asking for a token, and of sending it from then on."""

    def act(person: Person) -> None:
        person.token = person.post(path, data=FORM).json()["access_token"]

    return act


def forgets_token(person: Person) -> None:
    """Sign out of an app that has tokens alone."""
    person.token = ""
    person.http.headers.pop("MFA-Proof", None)


def form_of(page: str, field: str, path: str, **form: str) -> Callable[[Person], None]:
    """Return the act of sending the form of ``page``, whose token against forgery is ``field``."""

    def act(person: Person) -> None:
        shown = person.get(page).text
        token = re.search(rf'name="{field}"\s+value="([^"]+)"', shown)
        assert token is not None, shown
        reply = person.post(path, data={field: token[1], **form})
        assert reply.status_code in (302, 303), reply.text

    return act


OUT = posts("/logout")
HOSTS = (
    Host(
        "fastapi_sqlalchemy",
        posts("/login", **FORM),
        OUT,
        "ann@app.example",
        websocket="/ws",
        stream="/export",
        lines="0,ann",
    ),
    Host("jwt_template", takes_token("/api/v1/login/access-token"), forgets_token, '"ann"', page="/api/v1/users/me"),
    Host(
        "fastapi_users_app",
        posts("/auth/login", username="ann@app.example", password=PASSWORD),
        posts("/auth/logout"),
        "ann@app.example",
    ),
    Host(
        "django_asgi",
        form_of("/accounts/login/", DJANGO, "/accounts/login/", **FORM),
        form_of("/accounts/login/", DJANGO, "/accounts/logout/"),
        "hello ann",
        stream="/events",
        lines="data: 0",
        stranger=302,
    ),
    Host("litestar_app", posts("/login", **FORM), OUT, "ann", websocket="/ws"),
    Host("quart_app", posts("/login", **FORM), OUT, "ann", websocket="/ws"),
    Host("nicegui_app", posts("/login", **FORM), OUT, "hello ann"),
    Host(
        "oauth_server",
        posts("/login", **FORM),
        OUT,
        "Unknown client",
        page="/authorize?client_id=x&state=s&code_challenge=c",
    ),
    Host("spa_api", posts_json("/api/login", **FORM), posts("/api/logout"), "ann", page="/api/me"),
    Host("service_accounts", posts("/login", **FORM), OUT, "ann"),
)
