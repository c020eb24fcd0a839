"""starlette-admin with its own sign-in page, mounted in a Starlette app."""

from __future__ import annotations

import secrets

from sqlalchemy import StaticPool, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette_admin.auth import AdminUser, AuthProvider
from starlette_admin.contrib.sqla import Admin, ModelView

from example_app.recipes.surroundings import KEYS, PARTY, SECRET, STORE
from mfa_gate import MFAGate
from mfa_gate.identity import SessionUser
from tests.third_party.door import POLICY


class Base(DeclarativeBase):
    """The tables."""


class Patient(Base):
    """A row that nobody should see by password alone."""

    __tablename__ = "patients"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Anybody(AuthProvider):
    """The sign-in, as the documentation has it."""

    async def login(self, username: str, password: str, remember_me: bool, request: Request) -> None:
        """Sign in as anybody."""
        request.session.update(user_id=username, sid=secrets.token_urlsafe(16))

    async def authenticate(self, request: Request) -> AdminUser | None:
        """Find the person of the session."""
        name = request.session.get("user_id")
        return AdminUser(username=name) if name else None

    async def logout(self, request: Request) -> None:
        """Sign out."""
        request.session.clear()


engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
Base.metadata.create_all(engine)
with Session(engine) as rows:
    rows.add(Patient(name="T. Okoye"))
    rows.commit()
app = Starlette()
admin = Admin(engine, auth_provider=Anybody(), secret_key=SECRET)
admin.add_view(ModelView(Patient))
admin.mount_to(app)

# -- the gate --
gate = MFAGate(
    policy=POLICY,
    identify=SessionUser("user_id", session="sid"),
    store=STORE,
    keys=KEYS,
    relying_party=PARTY,
    sign_in="/admin/login",
    sign_out="/admin/logout",
)
gate.install(app)
app.add_middleware(SessionMiddleware, secret_key=SECRET)
# -- that was it --
