"""What all our answers share: the parts, the host's own addresses, and the note of what was interrupted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.policy import Demand
from ..service import Service
from .cookies import Cookies

if TYPE_CHECKING:
    from .render import Renderer


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What all pages share: the parts, and the host's own addresses."""

    service: Service
    cookies: Cookies
    renderer: Renderer
    prefix: str
    sign_in: str
    sign_out: str
    home: str
    origins: tuple[str, ...]
    json_status: int = 403
    dev: bool = False


def going_note(*, to: str, path: str, method: str, clean: bool, demands: tuple[Demand, ...] = ()) -> dict[str, Any]:
    """What is written down when a request is interrupted."""
    note: dict[str, Any] = {"to": to, "p": path[:512], "m": method[:16]}
    if not clean or len(path) > 512:
        note["c"] = False
    if demands:
        note["d"] = [[d.rule, d.max_age, list(d.factors_any), d.phishing_resistant] for d in demands]
    return note
