"""Serve the same people and the same gate in a FastAPI app.

``uvicorn --factory example_app.fastapi_app:from_environ``.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel, Field
from starlette.middleware.sessions import SessionMiddleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from . import data, demo, sign_in
from .accounts import Account
from .address import DemoAddress
from .gate import gate_of
from .parts import Parts, parts_of
from .records import MAX_NOTE, MAX_TITLE
from .settings import HERE, Settings

__all__ = ["create", "from_environ"]


class Me(BaseModel):
    """Describe the person who is signed in."""

    id: str
    tenant: str
    name: str
    groups: list[str]


class NewRecord(BaseModel):
    """Describe a row to be added."""

    title: str = Field(min_length=1, max_length=MAX_TITLE)
    note: str = Field(default="", max_length=MAX_NOTE)


class Row(NewRecord):
    """Describe a row as it is kept."""

    id: int
    state: str
    author: str


def somebody(request: Request) -> Account:
    """Find the person who is signed in, as a dependency. Raises 401 for strangers."""
    signed_in = parts_of(request).identity.signed_in(request)
    if signed_in is None:
        raise HTTPException(401, "Sign in first.", headers={"WWW-Authenticate": "Bearer"})
    return signed_in.account


Somebody = Annotated[Account, Depends(somebody)]


def me(account: Somebody) -> Me:
    """Return the person who is signed in."""
    return Me(id=account.email, tenant=account.tenant, name=account.name, groups=list(account.groups))


def rows(request: Request, account: Somebody) -> list[Row]:
    """List the organization's rows, newest first."""
    return [
        Row(id=row.id, title=row.title, note=row.note, state=row.state, author=row.author)
        for row in parts_of(request).records.newest_first(account.tenant)
    ]


def add_row(request: Request, account: Somebody, new: NewRecord) -> Row:
    """Add a row."""
    parts = parts_of(request)
    parts.records.add(account.tenant, title=new.title, note=new.note, author=account.name, now=parts.clock.now())
    return rows(request, account)[0]


def create(settings: Settings) -> FastAPI:
    """Build the app over a prepared data directory."""
    parts = Parts.of(settings)
    app = FastAPI(title="Example Records")
    app.state.parts = parts
    app.add_api_route("/api/me", me, methods=["GET"])
    app.add_api_route("/api/records", rows, methods=["GET"])
    app.add_api_route("/api/records", add_row, methods=["POST"], status_code=201)
    app.router.routes.extend([*sign_in.routes, *demo.routes])
    app.router.routes.append(Mount("/static", StaticFiles(directory=HERE / "static")))

    gate_of(parts).install(app)
    app.add_middleware(SessionMiddleware, secret_key=data.read_secret(settings.data), same_site="lax")
    app.add_middleware(DemoAddress)
    return app


def from_environ() -> FastAPI:
    """Build the app in a worker; ``python -m example_app`` makes the data directory."""
    return create(Settings.from_environ())
