"""Apps of other people, gated, on a real server, at the root and below a path."""

from __future__ import annotations

import pytest

from mfa_gate.testing.plugin import MakesKit
from tests.recipes.hosts import FORM, OUT, Host, form_of, posts
from tests.recipes.place import at, loaded
from tests.recipes.story import tell

IN = posts("/login", **FORM)
STEPS = "graphql-transport-ws"
APPS = (
    Host(
        "starlette_admin_app",
        form_of("/admin/login", "csrftoken", "/admin/login", **FORM),
        form_of("/admin/patient/list", "csrftoken", "/admin/logout"),
        "T. Okoye",
        page="/admin/patient/list",
        stranger=303,
    ),
    Host(
        "strawberry_app",
        IN,
        OUT,
        "T. Okoye",
        page="/?query={patient}",
        websocket="/",
        says='{"type": "connection_init"}',
        hears="connection_ack",
        protocol=STEPS,
    ),
    Host(
        "socketio_app",
        IN,
        OUT,
        '"upgrades":["websocket"]',
        page="/socket.io/?EIO=4&transport=polling",
        websocket="/socket.io/?EIO=4&transport=websocket",
        says="40",
        hears='"pingInterval"',
    ),
    Host(
        "shiny_app",
        IN,
        OUT,
        "T. Okoye",
        websocket="/websocket/",
        says='{"method": "init", "data": {}}',
        hears='"config"',
    ),
    Host("fasthtml_app", IN, OUT, "T. Okoye"),
    Host("flask_admin_app", IN, OUT, "policy.toml", page="/admin/files/"),
)


# python-socketio compares the whole path with its own, so it works at the root alone, with a gate or without one.
PLACES = [(host, root) for host in APPS for root in ("", "/app") if not (root and host.module == "socketio_app")]


@pytest.mark.parametrize(("host", "root"), PLACES, ids=[f"{host.module}{root}" for host, root in PLACES])
def test_app(host: Host, root: str, mfa_gate_kit: MakesKit) -> None:
    """The app and its websocket are closed to the password alone, and open to both factors."""
    theirs = loaded(f"tests.third_party.{host.module}")
    clock = mfa_gate_kit(theirs.gate).clock
    with at(theirs.app, root) as origin:
        tell(host, origin, root, clock.now, lambda: clock.now() + 30)
