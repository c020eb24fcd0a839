"""Choose the language of one request (U-64)."""

from __future__ import annotations

from .cookies import cookie_value
from .i18n import negotiate
from .types import Scope

LANG_COOKIE = b"mfa-lang"


def language_of(scope: Scope) -> str:
    """Return the tag of the reader's language.

    It is the language that was chosen before, else the best of ``Accept-Language``.
    """
    accept = b",".join(value for key, value in scope["headers"] if key == b"accept-language")
    return negotiate(cookie=cookie_value(scope, LANG_COOKIE), accept_language=accept.decode("latin-1"))
