"""FastAPI with SQLAlchemy and a cookie session: the usual small product."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Form, HTTPException, Request, WebSocket
from fastapi.responses import RedirectResponse, StreamingResponse
from sqlalchemy import StaticPool, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from starlette.middleware.sessions import SessionMiddleware

from mfa_gate import Contacts, MFAGate, Subject
from mfa_gate.identity import SessionUser

from .surroundings import KEYS, PARTY, PASSWORD, SECRET, STORE


class Base(DeclarativeBase):
    """The tables of the app."""


class User(Base):
    """A person who may sign in."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str]


engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
Base.metadata.create_all(engine)
with Session(engine) as rows:
    rows.add(User(name="ann", email="ann@app.example"))
    rows.commit()

app = FastAPI()


def current_user(request: Request) -> User:
    """Find the person of the session. Raises 401 for strangers."""
    with Session(engine) as rows:
        user = rows.get(User, int(request.session.get("user_id", 0)))
    if user is None:
        raise HTTPException(401, "Sign in first.")
    return user


@app.post("/login")
def login(request: Request, username: Annotated[str, Form()], password: Annotated[str, Form()]) -> RedirectResponse:
    """Sign in by name and password."""
    with Session(engine) as rows:
        user = rows.scalar(select(User).where(User.name == username))
    if user is None or not secrets.compare_digest(password, PASSWORD):
        raise HTTPException(401, "Wrong name or password.")
    # A new sid with each sign-in: its proof ends with it.
    request.session.update(user_id=str(user.id), sid=secrets.token_urlsafe(16))
    return RedirectResponse("/", 303)


@app.post("/logout")
def logout(request: Request) -> str:
    """Sign out."""
    request.session.clear()
    return "signed out"


@app.get("/")
def home(user: Annotated[User, Depends(current_user)]) -> dict[str, str]:
    """Show something that needs both factors."""
    return {"hello": user.email}


@app.get("/export")
def export(user: Annotated[User, Depends(current_user)]) -> StreamingResponse:
    """Stream rows."""

    async def lines() -> AsyncIterator[str]:
        for number in range(3):
            yield f"{number},{user.name}\n"

    return StreamingResponse(lines(), media_type="text/csv")


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    """Answer each message with itself."""
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


async def contacts_of(subject: Subject) -> Contacts:
    """Name and address of a person, for the pages, the pictures and the mails of the gate."""
    with Session(engine) as rows:
        user = rows.get_one(User, int(subject.id))
    return Contacts(name=user.name, email=user.email)


gate = MFAGate(
    policy=Path(__file__).with_suffix(".toml"),
    identify=SessionUser("user_id", session="sid"),
    contacts=contacts_of,
    store=STORE,
    keys=KEYS,
    relying_party=PARTY,
)
gate.install(app)
app.add_middleware(SessionMiddleware, secret_key=SECRET)  # after the gate: the last one added runs first
