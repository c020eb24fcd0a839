"""The inventory of routes has each with its rule, and fails for one open by accident."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse

from mfa_gate import MFAGateMiddleware
from mfa_gate.core.rules import Exemption, PathRule, Policy
from mfa_gate.testing import Kit, assert_all_covered, route_inventory

from .hosts import POLICY, bare, gate_for, gated

OPEN = ["POST /login", "/healthz"]


def with_exemption(path: str) -> Policy:
    """The policy with one exemption more."""
    more = Exemption(name="more", paths=(PathRule(text=path),), reason="a slip")
    return replace(POLICY, base=replace(POLICY.base, exempt=(*POLICY.base.exempt, more)))


def test_every_route_with_its_rule() -> None:
    """Prefixes of included routers and mounts are part of the address.

    Each row names what is asked there.
    """
    app, gate = gated()
    rows = {(row.method, row.template): row for row in Kit(gate).routes(app)}
    assert rows["GET", "/v1/me"].outcome == "guarded"
    assert "export" in rows["GET", "/v1/export"].rules
    assert rows["GET", "/inner/deep"].outcome == "guarded"
    assert (rows["GET", "/healthz"].outcome, rows["GET", "/healthz"].rules) == ("exempt", ("health",))
    assert rows["POST", "/login"].outcome == "exempt"


def test_all_is_covered(mfa_routes: Callable[..., object]) -> None:
    """Only the routes that are meant to be open are open."""
    app, gate = gated()
    mfa_routes(app, gate, open=OPEN)


@pytest.mark.parametrize(
    ("path", "open", "says"),
    [
        ("=/v1/me", OPEN, "GET /v1/me is open .exempt: more"),
        ("/v1/**", OPEN, "GET /v1/export is open"),
        ("=/v1/mee", OPEN, "exempt.more matches no route"),
        ("=/inner/deep", [*OPEN, "/v1/me", "/inner/deep"], "/v1/me is listed as open and is not"),
        ("=/inner/deep", OPEN, "GET /inner/deep is open"),
    ],
)
def test_slips_are_named(path: str, open: list[str], says: str) -> None:
    """An unlisted open route, a listed guarded one, and an idle rule are named."""
    app, gate = gated(with_exemption(path))
    with pytest.raises(AssertionError, match=says):
        Kit(gate).assert_all_covered(app, open=open)


def test_an_app_without_a_gate_is_not_covered() -> None:
    """An app without the middleware is not covered, with every policy."""
    with pytest.raises(AssertionError, match="no gate is around"):
        assert_all_covered(bare(), POLICY, open=OPEN)


def test_a_wrapped_app_counts() -> None:
    """``MFAGateMiddleware(app)`` around the app is a gate, too."""
    assert_all_covered(MFAGateMiddleware(bare(), gate=gate_for()), POLICY, open=OPEN)


def test_a_policy_file_serves_as_well(tmp_path: Path) -> None:
    """The policy may be a path."""
    file = tmp_path / "policy.toml"
    file.write_text('version = 1\nname = "x"\n')
    rows = route_inventory(bare(), file)
    assert {row.outcome for row in rows} == {"guarded"}


def test_what_has_no_routes_says_so() -> None:
    """An app that cannot be listed is an error and never an empty inventory."""
    with pytest.raises(ValueError, match="no routes"):
        route_inventory(PlainTextResponse("x"), POLICY)
