"""Connections as a server hands them over."""

from __future__ import annotations

from typing import Any

from starlette.requests import HTTPConnection


def connection(*headers: tuple[str, str], client: str | None = "10.0.0.5", **more: Any) -> HTTPConnection:
    """A request with these headers, from this peer."""
    return HTTPConnection(
        {
            "type": "http",
            "method": "GET",
            "path": "/",
            "headers": [(name.lower().encode(), value.encode("utf-8")) for name, value in headers],
            "client": (client, 1) if client is not None else None,
            **more,
        }
    )
