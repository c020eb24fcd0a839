"""Views and addresses of the Django recipe."""

from __future__ import annotations

from collections.abc import AsyncIterator

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import engines
from django.urls import path
from django.views.decorators.csrf import ensure_csrf_cookie


class SignIn(LoginView):
    """Django's own sign-in, with a template of three lines."""

    def render_to_response(self, context: dict[str, object], **more: object) -> HttpResponse:
        """Show the form."""
        form = "<form method=post>{% csrf_token %}{{ form }}<button>Sign in</button></form>"
        return HttpResponse(engines["django"].from_string(form).render(context, self.request))


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Show something that needs both factors."""
    return HttpResponse(f"hello {request.user}")


async def events(request: HttpRequest) -> StreamingHttpResponse:
    """Stream server-sent events."""

    async def lines() -> AsyncIterator[str]:
        for number in range(3):
            yield f"data: {number}\n\n"

    return StreamingHttpResponse(lines(), content_type="text/event-stream")


urlpatterns = [
    path("", home),
    path("events", events),
    path("accounts/login/", ensure_csrf_cookie(SignIn.as_view(next_page="/"))),
    path("accounts/logout/", LogoutView.as_view(next_page="/accounts/login/")),
]
