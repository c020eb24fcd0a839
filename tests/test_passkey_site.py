"""A relying party for which no browser makes passkeys stops the start.

V-17. Only where the policy allows passkeys.
"""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate import MFAGate, RelyingParty, SettingsError
from mfa_gate.core.public_suffixes import is_public_suffix, registrable
from mfa_gate.core.rules import FactorRules, Policy, Rules
from tests import good_start
from tests.good_start import GOOD

WITH = Policy(name="t", base=Rules(factors=FactorRules(allowed=("totp", "webauthn"))))
WITHOUT = Policy(name="t", base=Rules(factors=FactorRules(allowed=("totp",))))
ONE_TENANT = Policy(name="t", base=WITHOUT.base, tenants={"clinic": WITH.base})


def faults_of(id: Any, *origins: str, policy: Policy = WITH) -> tuple[str, ...]:
    """Start with this relying party, and return the faults."""
    return good_start.faults_of(policy=policy, relying_party=RelyingParty(id=id, name="App", origins=origins))


NAMES = 'is an address, and browsers make passkeys for names only: write a name, e.g. "localhost" on your own machine'
SHARED = "is a suffix that many owners share, and browsers make no passkeys for it: write the site's own name"
WRONG: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "an address": ("127.0.0.1", "http://127.0.0.1:8000", (NAMES, "or take 'webauthn' out of factors.allowed")),
    "an address of the house": ("10.0.0.5", "https://10.0.0.5", (NAMES,)),
    "two levels of a country": ("co.uk", "https://app.co.uk", (SHARED, "e.g. 'app.co.uk'")),
    "further below": ("com.au", "https://www.shop.com.au", (SHARED, "e.g. 'shop.com.au'")),
    "a top-level domain": ("com", "https://app.com", (SHARED, "e.g. 'app.com'")),
    "a hosting company": ("herokuapp.com", "https://mine.herokuapp.com", (SHARED, "e.g. 'mine.herokuapp.com'")),
    "another one": ("azurewebsites.net", "https://mine.azurewebsites.net", (SHARED,)),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_site_without_passkeys(name: str) -> None:
    """The fault names the id, the reason and the fix."""
    id, origin, words = WRONG[name]
    (fault,) = faults_of(id, origin)
    assert fault.startswith(f"relying_party.id={id!r}: ")
    for word in words:
        assert word in fault
    (fault,) = faults_of(id, origin, policy=ONE_TENANT)
    assert fault.endswith("or take 'webauthn' out of tenants.clinic.factors.allowed")
    assert faults_of(id, origin, policy=WITHOUT) == ()


FORMS: dict[str, tuple[Any, str, str]] = {
    "upper case": ("App.example", "https://app.example", "must be a host name in lower case"),
    "a port": ("app.example:443", "https://app.example", "must be a host name in lower case"),
    "a scheme": ("https://app.example", "https://app.example", "must be a host name in lower case"),
    "a path": ("app.example/", "https://app.example", "must be a host name in lower case"),
    "a dot at its end": ("app.example.", "https://app.example", "must be a host name in lower case"),
    "a dot at its start": (".app.example", "https://app.example", "must be a host name in lower case"),
    "an empty part": ("app..example", "https://app.example", "must be a host name in lower case"),
    "nothing": ("", "https://app.example", "must be a host name in lower case"),
    "letters beyond ASCII": ("müller.example", "https://xn--mller-kva.example", "write 'xn--mller-kva.example'"),
    "no text": (None, "https://app.example", "must be a host name in lower case"),
    "no suffix of an origin": ("other.example", "https://app.example", "does not belong to the id 'other.example'"),
    "below an origin": ("www.app.example", "https://app.example", "does not belong to the id 'www.app.example'"),
}


@pytest.mark.parametrize("policy", [WITH, WITHOUT], ids=["passkeys", "none"])
@pytest.mark.parametrize("name", FORMS)
def test_an_id_that_is_no_host_name(name: str, policy: Policy) -> None:
    """No form of it is taken that could never match, passkeys or not."""
    id, origin, words = FORMS[name]
    faults = faults_of(id, origin, policy=policy)
    assert words in faults[0]


@pytest.mark.parametrize(
    ("id", "origin"),
    [
        ("localhost", "http://localhost:8000"),
        ("localhost", "http://app.localhost:8000"),
        ("app.example", "https://app.example"),
        ("app.example", "https://www.app.example"),
        ("app.co.uk", "https://www.app.co.uk"),
        ("intranet", "https://intranet"),
        ("mine.github.io", "https://mine.github.io"),
        ("xn--mller-kva.example", "https://xn--mller-kva.example"),
    ],
)
def test_what_starts(id: str, origin: str) -> None:
    """Names of one owner, this machine, and a host's name of one part are no faults."""
    assert faults_of(id, origin) == ()


def test_suffixes() -> None:
    """The kept part of the list, and what one owner has."""
    assert [
        host for host in ("com", "co.uk", "ac.jp", "com.br", "anything.ck", "github.io") if not is_public_suffix(host)
    ] == []
    assert [host for host in ("app.com", "app.de", "co.de", "uk.com", "app.co.uk") if is_public_suffix(host)] == []
    assert [registrable(host) for host in ("a.b.co.uk", "app.example", "x.app.example", "co.uk", "localhost")] == [
        "b.co.uk",
        "app.example",
        "app.example",
        "co.uk",
        "localhost",
    ]


def test_front_ends_of_another_owner() -> None:
    """Two owners below ``co.uk`` are two sites for ``api_origins``.

    No browser sends our cookies from one to the other.
    """
    party = RelyingParty(id="app.co.uk", name="App", origins=["https://app.co.uk"])
    with pytest.raises(SettingsError, match=r"'https://other\.co\.uk' is another site"):
        MFAGate(**{**GOOD, "relying_party": party, "api_origins": ["https://other.co.uk"]})
    assert MFAGate(**{**GOOD, "relying_party": party, "api_origins": ["https://spa.app.co.uk"]})
