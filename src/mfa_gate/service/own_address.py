"""The address of our own pages in messages to people: the root path is kept in the store.

A mail about a lock is often sent by a worker that has shown no page yet. So the root is not a value of a request: the
first visit below a fixed root writes it down, for all workers of the application.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping

from ..core.web_address import read_address
from ..errors import StoreContention, StoreUnavailable
from ..storage import Notes
from .wiring import Wiring

log = logging.getLogger("mfa_gate")

DIFFERS = (
    "mfa_gate: people come to the app below %s, but links in mails lead below %r, where the first visit came. Name the address "
    'by which people reach the app: MFAGate(public_url="%s")'
)
VARIES = (
    "mfa_gate: the path that the app is mounted at is the visitor's choice, so mails have no links to our pages. Name one "
    'address by which people reach the app: MFAGate(public_url="%s")'
)


def note_of(app: str) -> str:
    """Return the name of the note with the root path of an application."""
    return f"address@{app}"


async def kept_roots(notes: Notes, apps: Iterable[str]) -> dict[str, str]:
    """Return the notes of these applications, for an export."""
    found = {app: await notes.meta(note_of(app)) for app in sorted({"", *apps})}
    return {app: body.decode("utf-8", "replace") for app, body in found.items() if body}


async def keep_roots(notes: Notes, roots: Mapping[str, str]) -> None:
    """Write the notes of an export where this store has none."""
    for app, note in roots.items():
        if await notes.meta(note_of(app)) is None:
            await notes.put_meta(note_of(app), note.encode())


class OwnAddress:
    """The address of our own pages that messages to people lead to.

    ``address`` is that address, "" for none, and None while the store has not told it. ``root`` is the quoted root path in
    it; None while it is not known, or where each visitor has another one.
    """

    def __init__(self, wiring: Wiring, public: Callable[[str], str]) -> None:
        """Set ``public``, which makes the address from a root."""
        self._wiring = wiring
        self._public = public
        self._told = False
        self.root = wiring.root
        self.address = "" if not wiring.origin else None if wiring.root is None else public(wiring.root)

    async def look_up(self) -> str:
        """Return the address, from the store if it is not known yet. Raises ``StoreUnavailable``.

        Before the first visit the app counts as one without a root.
        """
        if self.address is not None:
            return self.address
        body = await self._wiring.store.meta(note_of(self._wiring.app))
        try:
            document = None if body is None else json.loads(body)
        except ValueError:
            document = None
        match document:
            case {"root": str(root)} if is_root(root):
                return self._take(root)
            case {"root": None}:
                return self._take(None)
        return self._public("")

    def _take(self, root: str | None) -> str:
        self.root, self.address = root, "" if root is None else self._public(root)
        return self.address

    async def visited(self, root: str | None) -> None:
        """Take the root of a visit: the first one is kept, another one is logged once.

        ``root`` is None below a path that the visitor chose. A store that is away stops nobody: a later visit is taken.
        """
        if self._wiring.root is not None or not self._wiring.origin:
            return
        try:
            await self.look_up()
            if self.address is None or (self.root is None and root is not None):
                note = json.dumps({"root": root}).encode()
                await self._wiring.store.put_meta(note_of(self._wiring.app), note)
                self._take(root)
        except (StoreUnavailable, StoreContention):
            return
        if not self._told and (root is None or root != self.root):
            self._told = True
            self._tell(root)

    def _tell(self, root: str | None) -> None:
        origin = self._wiring.origin
        if self.root is None:
            log.warning(VARIES, f"{origin}/app")
            return
        seen = "a path of their own choice" if root is None else repr(root or "/")
        log.warning(DIFFERS, seen, self.root or "/", origin + (root or self.root))


def is_root(text: str) -> bool:
    """Tell if ``text`` is a quoted root path.

    It is "", or it begins with a slash, ends without one, and has no trick in it: only the path of an address changes.
    """
    if not text:
        return True
    address = read_address(f"https://app.example{text}")
    if address is None or address.rest != text or "?" in text:
        return False
    return {"", ".", ".."}.isdisjoint(text.split("/")[1:])
