"""Django by ASGI, with its own sessions and users."""

from __future__ import annotations

import io
from importlib import import_module
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from starlette.requests import HTTPConnection

from mfa_gate import MFAGate, MFAGateMiddleware, Subject

from .surroundings import KEYS, ORIGIN, PARTY, PASSWORD, SECRET, STORE

settings.configure(  # an own project has these in settings.py
    SECRET_KEY=SECRET,
    ROOT_URLCONF=f"{__package__}.django_urls",
    ALLOWED_HOSTS=["localhost"],
    CSRF_TRUSTED_ORIGINS=[ORIGIN],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "file:people?mode=memory&cache=shared"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.ScryptPasswordHasher"],
)
django.setup()
from django.contrib.auth import aget_user, get_user_model  # noqa: E402 - Django's models need the settings
from django.core.handlers.asgi import ASGIRequest  # noqa: E402

call_command("migrate", verbosity=0)
get_user_model().objects.create_user("ann", "ann@app.example", PASSWORD)
sessions = import_module(settings.SESSION_ENGINE)


async def identify(connection: HTTPConnection) -> Subject | None:
    """Find the person as Django's own middleware does.

    Read are the cookie, its session, and the hash of the password in it: a changed password ends the session.
    """
    request: Any = ASGIRequest({"method": "GET", **connection.scope}, io.BytesIO())
    request.session = sessions.SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    user = await aget_user(request)
    if not user.is_authenticated:
        return None
    # Django makes a new session key at each sign-in.
    return Subject(str(user.pk), session=request.session.session_key or "")


gate = MFAGate(
    policy=Path(__file__).with_suffix(".toml"),
    identify=identify,
    store=STORE,
    keys=KEYS,
    relying_party=PARTY,
    sign_in="/accounts/login/",
    sign_out="/accounts/logout/",
)
app = MFAGateMiddleware(get_asgi_application(), gate=gate)
