"""A ``require_proof`` that is never asked is found before anybody relies on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from mfa_gate import require_proof
from mfa_gate.cli import main
from mfa_gate.cli.doctor.app_policy import endpoints
from mfa_gate.errors import SettingsError
from mfa_gate.testing import Kit
from mfa_gate.web.endpoint_demands import lost_demands_in
from tests.testing.hosts import POLICY, gate_for


def above() -> FastAPI:
    """The decorator above the route."""
    app = FastAPI()

    @require_proof("5m")
    @app.get("/payout")
    async def payout(request: Request) -> str:
        return "paid"

    return app


def above_in_a_router() -> FastAPI:
    """Make the same app with an included router and a function that is not async."""
    app, router = FastAPI(), APIRouter()

    @require_proof("5m")
    @router.get("/payout")
    def payout(request: Request) -> str:
        return "paid"

    app.include_router(router, prefix="/v1")
    return app


def between_two_routes() -> FastAPI:
    """Guarded at one address and bare at the other."""
    app = FastAPI()

    @app.get("/safe")
    @require_proof("5m")
    @app.get("/payout")
    async def payout(request: Request) -> str:
        return "paid"

    return app


def stronger_above() -> FastAPI:
    """One below, which is asked, and a stronger one above, which is not."""
    app = FastAPI()

    @require_proof("5m", phishing_resistant=True)
    @app.get("/payout")
    @require_proof("5m")
    async def payout(request: Request) -> str:
        return "paid"

    return app


def without_parentheses() -> FastAPI:
    """The class in place of a demand: FastAPI would make one and ask nothing."""
    app = FastAPI()

    @app.get("/payout", dependencies=[Depends(require_proof)])
    async def payout() -> str:
        return "paid"

    return app


def in_a_mount() -> Starlette:
    """A Starlette app below another one that has the bare function."""

    async def payout(request: Request) -> Response:
        return PlainTextResponse("paid")

    routes = [Route("/payout", payout)]
    require_proof("5m")(payout)
    return Starlette(routes=[Mount("/in", Starlette(routes=routes))])


def in_a_mount_behind_middleware() -> Starlette:
    """Make the same app with middleware around the mounted app."""
    [mount] = in_a_mount().routes
    assert isinstance(mount, Mount)
    return Starlette(routes=[Mount("/in", GZipMiddleware(mount.app))])


WRONG = [
    above,
    above_in_a_router,
    between_two_routes,
    stronger_above,
    without_parentheses,
    in_a_mount,
    in_a_mount_behind_middleware,
]
SAYS = r"/payout: (require_proof\(\"5m\".* put it below|Depends\(require_proof\) asks nothing: call it)"


@pytest.mark.parametrize("make", WRONG)
def test_it_is_found_at_start(make: Callable[[], Any]) -> None:
    """V-14: the app does not start; the message names the route, the demand and the fix."""
    app, gate = make(), gate_for()
    gate.install(app)
    app.add_middleware(SessionMiddleware, secret_key="a long secret of the host's own")
    with pytest.raises(SettingsError, match=SAYS), TestClient(app):
        pass


@pytest.mark.parametrize("make", WRONG)
def test_it_is_found_by_doctor_and_kit(make: Callable[[], Any]) -> None:
    """V-14: a fault of ``doctor``, and of the kit's check of the routes."""
    app, gate = make(), gate_for()
    gate.install(app)
    assert any(line.verdict == "fault" and "/payout" in line.text for line in endpoints(app, gate))
    with pytest.raises(AssertionError, match=SAYS):
        Kit(gate).assert_all_covered(app)


def test_the_address_has_the_mounts_prefix() -> None:
    """The route is named as people ask for it."""
    for make in (in_a_mount, in_a_mount_behind_middleware):
        [fault] = lost_demands_in(make())
        assert fault.startswith("/in/payout: require_proof")


def test_an_app_in_the_middleware_is_looked_at() -> None:
    """An app that is wrapped by hand is known, although it does not name itself at start."""
    from mfa_gate import MFAGateMiddleware

    gate = gate_for()
    MFAGateMiddleware(above(), gate=gate)
    assert len(gate.check(None)) == 1


def verified_above() -> FastAPI:
    """A demand for a verified user, above the route."""
    app = FastAPI()

    @require_proof("5m", user_verification=True)
    @app.get("/payout")
    async def payout(request: Request) -> str:
        return "paid"

    return app


def test_the_message_writes_the_whole_demand() -> None:
    """The message has the demand as it stands in the code, so that it can be found there."""
    app, gate = verified_above(), gate_for()
    gate.install(app)
    app.add_middleware(SessionMiddleware, secret_key="a long secret of the host's own")
    says = r"/payout: require_proof\(\"5m\", user_verification=True\) stands above"
    with pytest.raises(SettingsError, match=says), TestClient(app):
        pass


def right() -> FastAPI:
    """Every order that asks: next to the function, beside other decorators, as a dependency."""
    app = FastAPI()

    def other(function: Any) -> Any:
        @wraps(function)
        async def around(request: Request) -> Any:
            return await function(request)

        return around

    @app.get("/a")
    @require_proof("5m")
    @other
    async def a(request: Request) -> str:
        return "a"

    @app.get("/b")
    @other
    @require_proof("5m")
    @require_proof(phishing_resistant=True)
    async def b(request: Request) -> str:
        return "b"

    @app.get("/c", dependencies=[Depends(require_proof())])
    async def c() -> str:
        return "c"

    @app.get("/d", dependencies=[Depends(require_proof("5m", factors=["webauthn"], user_verification=True))])
    async def d() -> str:
        return "d"

    return app


def test_what_asks_is_no_fault() -> None:
    """Nothing is reported where the demand is asked."""
    assert lost_demands_in(right()) == ()


def shown(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    """Run a command of ``mfa-gate policy``: its exit code and its JSON."""
    code = main(["policy", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_routes_and_explain_show_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The commands show the demands of endpoints, and a lost demand is the answer no.

    Y-12.
    """
    file = tmp_path / "policy.toml"
    file.write_text('version = 1\nname = "x"\n')
    code, told = shown("routes", str(file), "--app", f"{__name__}:right", capsys=capsys)
    rows = {row["template"]: row["endpoint"] for row in told["routes"]}
    assert code == 0
    assert rows["/a"] == ['require_proof("5m")']
    assert rows["/b"] == ['require_proof("5m")', "require_proof(phishing_resistant=True)"]
    assert rows["/c"] == ["require_proof()"]
    assert rows["/d"] == ['require_proof("5m", factors=["webauthn"], user_verification=True)']
    code, told = shown("routes", str(file), "--app", f"{__name__}:stronger_above", capsys=capsys)
    assert (code, told["ok"]) == (1, False)
    asked = ("explain", str(file), "--request", "GET /a", "--verified", "10m")
    code, told = shown(*asked, capsys=capsys)
    assert told["state"] == "verified"
    code, told = shown(*asked, "--app", f"{__name__}:right", capsys=capsys)
    assert (told["state"], told["decision"]["why"]["rule"]) == ("challenge", "require_proof")
    [row] = [row for row in told["rules"] if row["stage"] == "endpoint"]
    assert row["note"].startswith("unmet: a proof younger than 5m")


def test_explain_shows_it_on_an_exempt_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The endpoint's demand counts where the policy demands nothing, and nothing else does."""
    file = tmp_path / "policy.toml"
    rule = "[[exempt]]\nname = 'a'\npaths = ['=/a']\nreason = 'x'\npermanent = true\n"
    file.write_text(f'version = 1\nname = "x"\n{rule}')
    _, told = shown("explain", str(file), "--request", "GET /a", "--app", f"{__name__}:right", capsys=capsys)
    verdicts = {row["stage"]: row["verdict"] for row in told["rules"]}
    assert (verdicts["exempt"], verdicts["freshness"], verdicts["endpoint"]) == ("hit", "not-reached", "hit")
    assert told["state"] == "enroll"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("1s", '"1s" is out of bounds: it must be between "1m" and "365d"'),
        (59, '59 seconds ("59s") is out of bounds: it must be between "1m" and "365d"'),
        (0, "is out of bounds"),
        (-1, "is out of bounds"),
        ("366d", "is out of bounds"),
        ("5 minutes", '"5 minutes" is not a duration; write it like "30s", "10m", "12h" or "7d"'),
        (True, 'max_age=True: write text like "5m"'),
        (2.5, 'max_age=2.5: write text like "5m"'),
    ],
)
def test_the_age_has_the_policys_bounds(given: Any, says: str) -> None:
    """The code takes the same ages as the policy, and refuses others in the same words.

    Requirement V-26.
    """
    with pytest.raises(ValueError, match="require_proof: max_age") as told:
        require_proof(given)
    assert says in str(told.value)


def test_a_decorator_without_parentheses() -> None:
    """``@require_proof`` alone, and a class in place of a function, are refused at once."""

    async def page(request: Request) -> Response:
        return PlainTextResponse("")

    class View:
        """A class of endpoints."""

    with pytest.raises(TypeError, match="with parentheses"):
        require_proof(page)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="decorate the methods of the class View"):
        require_proof()(View)


def test_the_policy_of_the_hosts_is_untouched() -> None:
    """The hosts' own routes have no lost demand."""
    assert POLICY.base.step_up


made: list[FastAPI] = []


def only_once() -> FastAPI:
    """A factory that may be called once, like one that registers metrics."""
    if made:
        raise ValueError("called twice")
    made.append(right())
    return made[0]


@pytest.mark.parametrize("command", ["routes", "explain"])
def test_a_factory_is_called_once(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A command makes the app of ``--app`` once, for its factors and for its routes."""
    made.clear()
    file = tmp_path / "policy.toml"
    file.write_text('version = 1\nname = "x"\n')
    code, _ = shown(command, str(file), "--app", f"{__name__}:only_once", capsys=capsys)
    assert code == 0
    assert len(made) == 1
