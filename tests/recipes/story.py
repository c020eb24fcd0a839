"""Tell one story at any host: a stranger, an enrollment, a challenge, a sign-out."""

from __future__ import annotations

from collections.abc import Callable

from tests.recipes.browser import Person, person
from tests.recipes.hosts import Host


def refused(one: Person, host: Host, page: str) -> None:
    """Check that the app is closed, and that the person or the program is led to ``page``."""
    reply = one.get(host.page)
    if one.token:
        assert reply.status_code == 401
        assert "insufficient_user_authentication" in reply.headers["www-authenticate"]
        assert reply.json()["challenge_url"].startswith(f"{one.root}/mfa/{page}")
    else:
        assert (reply.status_code, reply.headers.get("location")) == (303, f"{one.root}/mfa/{page}")
    if host.stream:
        assert host.lines not in one.get(host.stream).text
    if host.websocket:
        assert one.echoed(host.websocket, host.says, host.protocol) in ("401", "403")


def reached(one: Person, host: Host) -> None:
    """Check that the person sees the app's page, its stream and its websocket."""
    assert host.text in one.get(host.page).text
    if host.stream:
        assert host.lines in one.get(host.stream).text
    if host.websocket:
        assert host.hears in one.echoed(host.websocket, host.says, host.protocol)


def tell(host: Host, origin: str, root: str, now: Callable[[], float], wait: Callable[[], float]) -> None:
    """Let a person enroll, be challenged in another browser, sign out, and be challenged anew.

    ``now`` is the time of the person's phone when it enrolls, and ``wait`` the one from then on: a code is good once.
    """
    with person(origin, root, now) as first:
        assert first.get(host.page).status_code == host.stranger
        host.signs_in(first)
        refused(first, host, "enroll")
        secret = first.enroll()
        reached(first, host)
    with person(origin, root, wait) as second:
        host.signs_in(second)
        refused(second, host, "challenge")
        second.verify(secret)
        reached(second, host)
        host.signs_out(second)
        assert second.get(host.page).status_code == host.stranger
        host.signs_in(second)
        refused(second, host, "challenge")
