"""Django with django-otp and django-multifactor, measured in the same process.

A Django app behind its own session and sign-in, with a person who has proven a device. The data lie in SQLite in memory, the
session in a signed cookie: both are the cheapest that Django has.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

HOST = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
)
OTP = (*HOST, "django_otp.middleware.OTPMiddleware")
urlpatterns: list[Any] = []
Batch = Callable[[int], float]


def plain(request: HttpRequest) -> HttpResponse:
    """Asks who is signed in, as every measured view does."""
    return HttpResponse(b"hello" if request.user.is_authenticated else b"", status=200)


def verified(request: HttpRequest) -> HttpResponse:
    """Asks django-otp for the device, too."""
    user: Any = request.user
    return HttpResponse(b"hello", status=200 if user.is_authenticated and user.is_verified() else 403)


def set_up() -> None:
    """Make the app and its tables."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # it is called beside a running event loop, and blocks nobody there
    settings.configure(
        SECRET_KEY="s" * 50,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django_otp",
            "django_otp.plugins.otp_totp",
            "multifactor",
        ],
        MULTIFACTOR={"RECHECK": False},
        LOGGING_CONFIG=None,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()
    from django.core.management import call_command
    from multifactor.decorators import multifactor_protected

    urlpatterns[:] = [
        path("plain", plain),
        path("otp", verified),
        path("multifactor", multifactor_protected(factors=1)(plain)),
        path("mf/", include("multifactor.urls")),
    ]
    call_command("migrate", verbosity=0, run_syncdb=True)


def batches() -> dict[str, Batch]:
    """Make the measured stacks: each tells the processor microseconds of one request."""
    set_up()
    from django.contrib.auth import get_user_model
    from django.test import Client
    from django_otp import DEVICE_ID_SESSION_KEY
    from django_otp.plugins.otp_totp.models import TOTPDevice
    from multifactor.models import UserKey

    user = get_user_model().objects.create_user("u1")
    device = TOTPDevice.objects.create(user=user, name="App", confirmed=True)
    key = UserKey.objects.create(user=user, properties={}, key_type="TOTP", enabled=True)
    browser = Client()
    browser.force_login(user)
    session = browser.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session["multifactor"] = [("TOTP", key.id, time.time(), False)]
    session.save()
    browser.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    cookies = f"{settings.SESSION_COOKIE_NAME}={session.session_key}"
    return {
        "Django, signed in": _batch(HOST, "/plain", cookies),
        "+ django-otp": _batch(OTP, "/otp", cookies),
        "+ django-multifactor": _batch(HOST, "/multifactor", cookies),
    }


def _batch(middlewares: tuple[str, ...], address: str, cookies: str) -> Batch:
    from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
    from django.test import override_settings
    from django.test.client import FakePayload

    with override_settings(MIDDLEWARE=list(middlewares)):
        handler = WSGIHandler()
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": address,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_COOKIE": cookies,
        "HTTP_USER_AGENT": "bench/1",
        "wsgi.input": FakePayload(b""),
        "wsgi.url_scheme": "http",
    }

    def batch(times: int) -> float:
        started = time.thread_time()
        for _ in range(times):
            answer = handler.get_response(WSGIRequest(dict(environ)))
            if answer.status_code != 200:
                raise SystemExit(f"{address}: answered {answer.status_code}, not 200: nothing worth measuring")
            answer.close()
        return (time.thread_time() - started) / times * 1e6

    return batch
