"""A web address is taken apart once, and only if every library would read the same host."""

from __future__ import annotations

import pytest

from mfa_gate.core.web_address import MAX_LENGTH, read_address

LABEL = "a" * 63

READ = {
    "https://app.example": ("https", "app.example", 443, "", "https://app.example/"),
    "https://app.example:443/a?b=c": ("https", "app.example", 443, "/a?b=c", "https://app.example/a?b=c"),
    "http://app.example/": ("http", "app.example", 80, "/", "http://app.example/"),
    "http://app.example:443/": ("http", "app.example", 443, "/", "http://app.example:443/"),
    "https://a:1/x": ("https", "a", 1, "/x", "https://a:1/x"),
    "https://a:65535": ("https", "a", 65535, "", "https://a:65535/"),
    "https://192.0.2.1/": ("https", "192.0.2.1", 443, "/", "https://192.0.2.1/"),
    "https://[2001:db8::1]:8443/": ("https", "[2001:db8::1]", 8443, "/", "https://[2001:db8::1]:8443/"),
    "https://a.example?q": ("https", "a.example", 443, "?q", "https://a.example?q"),
    f"https://{LABEL}.example/": ("https", f"{LABEL}.example", 443, "/", f"https://{LABEL}.example/"),
}


@pytest.mark.parametrize("text", READ)
def test_read(text: str) -> None:
    """The parts are found, and the address is built from them again.

    The port that goes without saying is left out.
    """
    found = read_address(text)
    assert found is not None
    assert (found.scheme, found.host, found.port, found.rest, found.url) == READ[text]


REFUSED = [
    *("", "app.example", "ftp://app.example", "https://", "https:///x", "https://App.example", "HTTPS://app.example"),
    *(
        "https://a@app.example",
        "https://a:b@app.example",
        "https://app.example#x",
        "https://app.example\\x",
        "https://a b",
    ),
    *(
        "https://app.example.",
        "https://.example",
        "https://a..example",
        "https://-a.example",
        "https://a-/x",
        "https://_a",
    ),
    *(
        "https://a:0",
        "https://a:65536",
        "https://a:",
        "https://a:x",
        "https://a:123456",
        "https://a//b",
        "https://a/\n",
    ),
    *(
        "https://0x7f000001",
        "https://2130706433",
        "https://127.1",
        "https://a.0x1",
        "https://192.0.2.256",
        "https://1.2.3.4.5",
    ),
    *("https://[192.0.2.1]", "https://[::1", "https://::1", "https://[zz]", "https://[1:2]", "https://é.example"),
    f"https://{LABEL}a.example/",
]


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    """Two libraries might read these as two hosts, or as none."""
    assert read_address(text) is None


def test_its_length() -> None:
    """An address of exactly the limit is read."""
    most = "https://a.example/" + "x" * (MAX_LENGTH - 18)
    assert read_address(most) is not None
    assert read_address(most + "x") is None


@pytest.mark.parametrize(
    ("host", "named", "local"),
    [
        ("app.example", True, False),
        ("localhost", False, True),
        ("app", False, False),
        ("localhost.example", True, False),
        ("127.0.0.1", False, True),
        ("127.9.9.9", False, True),
        ("[::1]", False, True),
        ("192.0.2.1", False, False),
        ("[2001:db8::1]", False, False),
        ("a_b.example", False, False),
        ("app.e1", True, False),
        ("app.1e", False, False),
    ],
)
def test_names_and_this_machine(host: str, named: bool, local: bool) -> None:
    """A full name has two parts and no number at its end.

    This machine is told by its spelling alone.
    """
    found = read_address(f"https://{host}/")
    assert found is not None
    assert (found.is_named, found.is_local) == (named, local)
