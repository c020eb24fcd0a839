"""fastapi-users with a cookie for the browser and a token for programs."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, CookieTransport, JWTStrategy
from fastapi_users.db import BaseUserDatabase
from fastapi_users.password import PasswordHelper

from mfa_gate import MFAGate, identity

from .surroundings import KEYS, PARTY, PASSWORD, SECRET, STORE


@dataclass
class User:
    """A person; with SQLAlchemy or Beanie this is the library's own class."""

    id: uuid.UUID
    email: str
    hashed_password: str
    is_active: bool = True
    is_superuser: bool = False
    is_verified: bool = True


ANN = User(uuid.UUID(int=1), "ann@app.example", PasswordHelper().hash(PASSWORD))


class People(BaseUserDatabase[User, uuid.UUID]):
    """The table of people."""

    async def get(self, id: uuid.UUID) -> User | None:
        """Find a person by id."""
        return ANN if id == ANN.id else None

    async def get_by_email(self, email: str) -> User | None:
        """Find a person by address."""
        return ANN if email == ANN.email else None


class Manager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    """The library's manager."""

    reset_password_token_secret = verification_token_secret = SECRET


async def get_user_manager() -> AsyncIterator[Manager]:
    """Make a manager, as a dependency."""
    yield Manager(People())


def get_strategy() -> JWTStrategy[User, uuid.UUID]:
    """Make the strategy of both backends."""
    return JWTStrategy(secret=SECRET, lifetime_seconds=8 * 3600)


cookie_backend = AuthenticationBackend("cookie", CookieTransport(cookie_secure=False), get_strategy)
token_backend = AuthenticationBackend("jwt", BearerTransport(tokenUrl="auth/jwt/login"), get_strategy)
users = FastAPIUsers[User, uuid.UUID](get_user_manager, [cookie_backend, token_backend])
app = FastAPI()
app.include_router(users.get_auth_router(cookie_backend), prefix="/auth")
app.include_router(users.get_auth_router(token_backend), prefix="/auth/jwt")


@app.get("/")
async def home(user: Annotated[Any, Depends(users.current_user(active=True))]) -> dict[str, str]:
    """Show something that needs both factors."""
    return {"hello": user.email}


gate = MFAGate(
    policy=Path(__file__).with_suffix(".toml"),
    # The library finds its user too late for a gate, in a dependency. The adapter asks the same backends, all of them.
    identify=identity.FastAPIUsers([cookie_backend, token_backend], asynccontextmanager(get_user_manager)),
    store=STORE,
    keys=KEYS,
    relying_party=PARTY,
    sign_out="/auth/logout",
)
gate.install(app)
