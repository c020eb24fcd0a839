"""Views and addresses of the Django recipe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path


@login_required
def home(request: Any) -> HttpResponse:
    """Show something that needs both factors."""
    return HttpResponse(f"hello {request.user}".encode())


async def events(request: HttpRequest) -> StreamingHttpResponse:
    """Stream server-sent events."""

    async def lines() -> AsyncIterator[str]:
        for number in range(3):
            yield f"data: {number}\n\n"

    return StreamingHttpResponse(lines(), content_type="text/event-stream")


urlpatterns = [
    path("", home),
    path("events", events),
    path("accounts/login/", LoginView.as_view(next_page="/")),
    path("accounts/logout/", LogoutView.as_view(next_page="/accounts/login/")),
]
