"""Build the example app: its routes, its sessions, and the gate before them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.sessions import SessionMiddleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from . import data, demo, live, pages, sign_in
from .address import DemoAddress
from .gate import gate_of
from .parts import Parts
from .ready import TURNED_ON, turn_on
from .settings import HERE, Settings

__all__ = ["create", "from_environ"]


def create(settings: Settings) -> Starlette:
    """Build the app over a prepared data directory."""
    parts = Parts.of(settings)
    gate = gate_of(parts)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if settings.ready:
            await turn_on(gate.service.engine, TURNED_ON)
        yield
        parts.database.close()

    app = Starlette(
        routes=[
            *sign_in.routes,
            *pages.routes,
            *live.routes,
            *demo.routes,
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        exception_handlers={HTTPException: pages.not_found},
        lifespan=lifespan,
    )
    app.state.parts = parts
    app.state.gate = gate
    # The middleware that is added last runs first: the demo's address, the session, and then the gate, which needs both.
    gate.install(app)
    app.add_middleware(
        SessionMiddleware, secret_key=data.read_secret(settings.data), same_site="lax", max_age=14 * 86_400
    )
    app.add_middleware(DemoAddress)
    return app


def from_environ() -> Starlette:
    """Build the app in a worker."""
    return create(Settings.from_environ())
