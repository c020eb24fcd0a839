"""Show a store's URL in messages."""

from __future__ import annotations

from urllib.parse import urlsplit


def without_password(url: str) -> str:
    """The URL fit for messages: whatever stands before the @ is left out."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("://")[0] + "://…"
    return parts._replace(netloc="…@" + parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else url
