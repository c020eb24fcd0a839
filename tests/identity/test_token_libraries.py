"""The usual libraries' refusals of a token are 401, never a fault of ours (V-13)."""

from __future__ import annotations

import logging
import re
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jwt
import pytest
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import OctKey

from mfa_gate.identity import BearerJWT
from tests.harness import Browser, make_world, running

KEY = "k" * 32
CLAIMS = {"sub": "ann", "aud": "app", "sid": "s1"}
README = Path(__file__).resolve().parents[2] / "src" / "mfa_gate" / "identity" / "README.md"


def by_pyjwt(token: str) -> Mapping[str, Any]:
    """PyJWT."""
    found: dict[str, Any] = jwt.decode(token, KEY, algorithms=["HS256"], audience="app")
    return found


def by_joserfc(token: str) -> Mapping[str, Any]:
    """joserfc, Authlib's successor."""
    found = joserfc_jwt.decode(token, OctKey.import_key(KEY), algorithms=["HS256"])
    joserfc_jwt.JWTClaimsRegistry(aud={"essential": True, "value": "app"}).validate(found.claims)
    return found.claims


def by_authlib(token: str) -> Mapping[str, Any]:
    """Authlib's own module."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from authlib.jose import JsonWebToken
    found = JsonWebToken(["HS256"]).decode(token, KEY, claims_options={"aud": {"essential": True, "value": "app"}})
    found.validate()
    return dict(found)


def by_python_jose(token: str) -> Mapping[str, Any]:
    """python-jose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from jose import jwt as jose_jwt

        found: dict[str, Any] = jose_jwt.decode(token, KEY, algorithms=["HS256"], audience="app")
    return found


def by_unknown_key(token: str) -> Mapping[str, Any]:
    """PyJWT where no key of the provider is the token's."""
    raise jwt.PyJWKClientError("Unable to find a signing key that matches")


def by_unreachable_keys(token: str) -> Mapping[str, Any]:
    """PyJWT where the provider's keys cannot be fetched."""
    raise jwt.PyJWKClientConnectionError("Fail to fetch data from the url")


LIBRARIES = [by_pyjwt, by_joserfc, by_authlib, by_python_jose]


def token(**changes: Any) -> str:
    """A token of the host's."""
    return jwt.encode({**CLAIMS, "exp": int(time.time()) + 600, **changes}, KEY, "HS256")


def bad() -> dict[str, str]:
    """Return bad tokens, by name, such as scanners and old clients send."""
    return {
        "expired": token(exp=1),
        "not yet": token(nbf=int(time.time()) + 900),
        "other audience": token(aud="other"),
        "other key": jwt.encode(CLAIMS, "o" * 32, "HS256"),
        "other algorithm": jwt.encode(CLAIMS, KEY * 2, "HS512"),
        "no algorithm": jwt.encode(CLAIMS, "", "none"),
        "junk": "junk",
        "dots": "x.y.z",
        "five parts": "a.b.c.d.e",
    }


@pytest.mark.parametrize("verify", LIBRARIES, ids=lambda verify: verify.__name__)
async def test_refusals_are_401(verify: Callable[[str], Mapping[str, Any]], caplog: pytest.LogCaptureFixture) -> None:
    """Without ``rejects=`` a token that the library refuses is 401 ``invalid_token``.

    The log has no traceback.
    """
    async with running(make_world(identify=BearerJWT(verify), session=False)) as world:
        assert (await ask(Browser(world), token())).reason == "proof_required"
        with caplog.at_level(logging.DEBUG, "mfa_gate"):
            for name, text in bad().items():
                reply = await ask(Browser(world), text)
                assert (reply.status, reply.reason) == (401, "unreadable"), name
                assert 'error="invalid_token"' in reply.header("www-authenticate")
        assert world.reached == []
        assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]


async def ask(browser: Browser, text: str) -> Any:
    """One request with a token."""
    return await browser.ask("GET", "/records", headers=[("authorization", f"Bearer {text}")])


async def test_a_key_that_nobody_knows_is_401_and_no_keys_at_all_is_503() -> None:
    """An unknown key is the token's fault; an unreachable provider is not."""
    for verify, status in ((by_unknown_key, 401), (by_unreachable_keys, 503)):
        async with running(make_world(identify=BearerJWT(verify), session=False)) as world:
            assert (await ask(Browser(world), token())).status == status
            assert world.reached == []


async def test_the_example_of_the_readme() -> None:
    """The README's verifier takes bad input for nobody.

    So the app answers as it would without the gate.
    """
    found = re.search(r"```python bearer\n(.*?)```", README.read_text(), re.S)
    assert found is not None
    names: dict[str, Any] = {"SECRET": KEY, "BearerJWT": BearerJWT}
    exec(found[1], names)
    async with running(make_world(identify=names["identify"], session=False)) as world:
        assert (await ask(Browser(world), token())).status == 401
        for text in bad().values():
            assert (await ask(Browser(world), text)).status == 200
