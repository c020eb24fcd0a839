"""The paths that exemptions and step-up rules name, and those of requests."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from ..model import Seconds

_BAD = frozenset(map(chr, (*range(33), 127, *b"\\;%")))

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRule:
    """A path of the app, decoded, as its router sees it.

    ``=/exact`` is one path; ``/tree/**`` is a tree of whole segments.
    """

    text: str

    def matches(self, path: str) -> bool:
        """Tell if ``path`` is this one, or lies in this tree (its root included)."""
        if self.text.startswith("="):
            return path == self.text[1:]
        root = self.text[:-3]
        return path == root or path.startswith(root + "/")

    def covers(self, path: str) -> bool:
        """Tell if a router may take ``path`` for one that this rule protects.

        Slashes at the end and capitals count for nothing: many routers ignore them (decision 55).
        """
        path = plain_path(path)
        if self.text.startswith("="):
            return path == plain_path(self.text[1:])
        root = self.text[:-3].lower()
        return path == root or path.startswith(root + "/")


def plain_path(path: str) -> str:
    """Return the one spelling that stands for all that a router may take for ``path``."""
    return path.rstrip("/").lower() or "/"


def is_clean(path: str) -> bool:
    """Tell if a path has no trick in it (S-5).

    Tricks are control characters, spaces, backslashes, ``;``, ``%``, empty segments, dot segments, and characters
    outside ASCII. A slash at the end makes no empty segment.
    """
    return path.isascii() and is_plain(path)


def is_plain(path: str) -> bool:
    """Tell if a path has no trick in it, and allow letters of any script."""
    if not path.startswith("/") or "//" in path or not _BAD.isdisjoint(path) or not path.isprintable():
        return False
    return not any(segment in (".", "..") for segment in path.split("/")) if "/." in path else True


def path_in(target: str) -> str:
    """Return the path of a request's target as a server hands it to the app.

    It is decoded, and has no query.
    """
    return unquote(target.partition("?")[0].partition("#")[0]) or "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """``[[exempt]]``: paths that need no second factor. ``expires_at`` None means permanent."""

    name: str
    paths: tuple[PathRule, ...]
    methods: tuple[str, ...] = METHODS
    reason: str = ""
    expires_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectExemption:
    """``[[exempt_subjects]]``: people who need no second factor, by groups.

    ``expires_at`` None means permanent.
    """

    name: str
    groups_any: tuple[str, ...]
    groups_none: tuple[str, ...] = ()
    reason: str = ""
    expires_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUpRule:
    """``[[step_up]]``: paths that ask for a fresher or a stronger proof.

    Where groups or tenants are named, only they are asked. ``label`` names the action for people, in one text or one a
    language (``core.spoken``).
    """

    name: str
    paths: tuple[PathRule, ...]
    methods: tuple[str, ...] = ()
    max_age: Seconds | None = None
    factors_any: tuple[str, ...] = ()
    phishing_resistant: bool = False
    user_verification: bool = False
    report_only: bool = False
    tenants_any: tuple[str, ...] = ()
    groups_any: tuple[str, ...] = ()
    groups_none: tuple[str, ...] = ()
    label: str = ""

    def is_in(self, tenant: str) -> bool:
        """Tell if the rule applies in ``tenant``."""
        return not self.tenants_any or tenant in self.tenants_any
