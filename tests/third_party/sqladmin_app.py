"""sqladmin with a password, gated: its session lives inside the mounted admin."""

from __future__ import annotations

from sqladmin import Admin, ModelView
from sqladmin.authentication import AuthenticationBackend
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from starlette.applications import Starlette
from starlette.requests import Request

from mfa_gate import MFAGate, RelyingParty
from mfa_gate.identity import SessionUser

from .place import HERE, KEY, ORIGIN

SECRET = "the admin's own long secret, from its settings"


class Base(DeclarativeBase):
    """The host's tables."""


class Patient(Base):
    """A row that nobody should see by password alone."""

    __tablename__ = "patients"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class PatientAdmin(ModelView, model=Patient):
    """Its page."""

    column_list = ["id", "name"]


class Password(AuthenticationBackend):
    """The host's own sign-in, as sqladmin's documentation has it."""

    async def login(self, request: Request) -> bool:
        """One password."""
        form = await request.form()
        if form["password"] != "demo-password":
            return False
        request.session["user_id"] = str(form["username"])
        return True

    async def logout(self, request: Request) -> bool:
        """Nothing stays."""
        request.session.clear()
        return True

    async def authenticate(self, request: Request) -> bool:
        """Return True if somebody is signed in."""
        return "user_id" in request.session


engine = create_engine(f"sqlite:///{HERE / 'patients.db'}")
Base.metadata.create_all(engine)
with Session(engine) as rows:
    rows.merge(Patient(id=1, name="T. Okoye"))
    rows.commit()
app = Starlette()
Admin(app, engine, authentication_backend=Password(SECRET)).add_view(PatientAdmin)

# -- the gate --
gate = MFAGate(
    policy=HERE / "policy.toml",
    identify=SessionUser("user_id", secret_key=SECRET, max_age=14 * 24 * 3600),
    store=f"sqlite:///{HERE / 'mfa_gate.db'}",
    keys=[KEY],
    relying_party=RelyingParty(id="localhost", name="Admin", origins=[ORIGIN]),
    sign_in="/admin/login",
    sign_out="/admin/logout",
)
gate.install(app)
# -- that was it --
