"""``TrustedHeader`` believes a name from the proxy's own socket, and from nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate import SettingsError, Subject
from mfa_gate.identity import TrustedHeader, Unreadable

from .connections import connection

PROXY = ["10.0.0.0/29", "2001:db8::/64"]


def adapter(**more: Any) -> TrustedHeader:
    """The adapter of these tests."""
    names = {"tenant": "X-Org", "groups": "X-Groups", "session": "X-Session"}
    return TrustedHeader("X-Remote-User", from_=PROXY, **{**names, **more})


async def test_the_proxys_word_counts() -> None:
    """Id, tenant, groups and session are those that the proxy says."""
    found = await adapter()(
        connection(("X-Remote-User", "ann"), ("X-Org", "clinic"), ("X-Groups", "a, b,"), ("X-Session", "s1"))
    )
    assert found == Subject("ann", "clinic", frozenset({"a", "b"}), "s1")


@pytest.mark.parametrize("peer", ["10.0.0.5", "2001:db8::7", "::ffff:10.0.0.5"])
async def test_listed_peers(peer: str) -> None:
    """IPv4, IPv6 and mapped forms of the listed networks."""
    assert await adapter()(connection(("x-remote-user", "zoë"), client=peer)) == Subject("zoë")


@pytest.mark.parametrize("peer", ["10.0.0.8", "203.0.113.1", "2001:db9::1", "testclient", "", None])
async def test_anybody_else_is_refused(peer: str | None) -> None:
    """S-13: the header from elsewhere is refused, not anonymous: the app might believe it."""
    with pytest.raises(ValueError, match=f"came from {peer or 'a socket without an address'}, which is not in from_"):
        await adapter()(connection(("X-Remote-User", "ann"), client=peer))
    assert await adapter()(connection(client=peer)) is None


async def test_forwarded_addresses_are_nobodys_peer() -> None:
    """A header that names a trusted address changes nothing: the socket's peer decides."""
    sent = connection(("X-Remote-User", "ann"), ("X-Forwarded-For", "10.0.0.5"), client="203.0.113.1")
    with pytest.raises(ValueError, match="not in from_"):
        await adapter()(sent)


async def test_two_names_are_refused() -> None:
    """S-12: a second header of that name is refused from the proxy as well.

    Another reader might take it.
    """
    with pytest.raises(ValueError, match="2 times"):
        await adapter()(connection(("X-Remote-User", "ann"), ("x-remote-user", "bob")))
    with pytest.raises(ValueError, match="2 times"):
        await adapter()(connection(("X-Remote-User", "ann"), ("X-Org", "a"), ("X-Org", "b")))


@pytest.mark.parametrize("value", ["a\nb", "a\x00", "x" * 300, "ﬁ"])
async def test_ids_that_are_none_are_refused(value: str) -> None:
    """An id that cannot be one raises and is never somebody else's."""
    with pytest.raises(ValueError, match=r"Subject\.id"):
        await adapter()(connection(("X-Remote-User", value)))


async def test_bytes_that_are_no_text_are_refused() -> None:
    """A name that is not UTF-8 is an unreadable credential, and no fault of ours."""
    sent = connection()
    sent.scope["headers"].append((b"x-remote-user", b"zo\xeb"))
    with pytest.raises(Unreadable):
        await adapter()(sent)


@pytest.mark.parametrize("name", ["X_Remote_User", "x-remote_user", "X_Remote-User"])
async def test_other_spellings_of_the_header_are_refused(name: str) -> None:
    """S-12: a header with an underscore is refused: WSGI and CGI read it as a hyphen.

    The app may see a name where the header itself is missing.
    """
    with pytest.raises(Unreadable):
        await adapter()(connection((name, "ann")))
    with pytest.raises(Unreadable):
        await adapter()(connection(("X-Remote-User", "ann"), (name, "bob")))
    with pytest.raises(Unreadable):
        await TrustedHeader("X_Remote_User", from_=PROXY)(connection(("X-Remote-User", "ann")))
    for other in ("X-Remote-Host", "X-Remote-Users", "X--Remote-User"):
        assert await adapter()(connection((other, "bob"), ("X-Remote-User", "ann"))) == Subject("ann")


@pytest.mark.parametrize("name", ["ANN", "Ann", "ann", "  ann\t"])
async def test_names_that_are_folded(name: str) -> None:
    """S-40: with ``fold`` every spelling is one person; without, each is its own."""
    assert await adapter(fold=str.casefold)(connection(("X-Remote-User", name))) == Subject("ann")
    assert await adapter()(connection(("X-Remote-User", name))) == Subject(name.strip())


@pytest.mark.parametrize("name", ["ann\xa0", "\u3000ann"])
async def test_blanks_that_are_not_cut(name: str) -> None:
    """S-12: a blank that the app would keep is not cut here, or two people would be one."""
    with pytest.raises(Unreadable):
        await adapter()(connection(("X-Remote-User", name)))


async def test_a_fold_that_makes_no_name() -> None:
    """A fold that returns no name refuses the request."""
    with pytest.raises(ValueError, match="Subject"):
        await adapter(fold=lambda _: "")(connection(("X-Remote-User", "ann")))
    with pytest.raises(ValueError, match="fold"):
        await adapter(fold=lambda _: None)(connection(("X-Remote-User", "ann")))


async def test_a_socket_without_an_address() -> None:
    """``unix`` is a connection without an address, and only that."""
    unix = TrustedHeader("X-Remote-User", from_=["unix"])
    assert await unix(connection(("X-Remote-User", "ann"), client=None)) == Subject("ann")
    with pytest.raises(ValueError, match="not in from_"):
        await unix(connection(("X-Remote-User", "ann"), client="10.0.0.5"))


@pytest.mark.parametrize(
    "from_", [[], "10.0.0.5", ["0.0.0.0/0"], ["::/0"], ["0.0.0.0/1", "128.0.0.0/1"], ["10.0.0.5/8"], ["proxy.example"]]
)
def test_networks_that_are_none_or_everybody(from_: Any) -> None:
    """A list of networks is needed, and everybody is none."""
    with pytest.raises(SettingsError):
        TrustedHeader("X-Remote-User", from_=from_)
