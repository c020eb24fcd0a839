"""A person's hand on the pages, with a count of presses, fields and keys.

It presses what a page shows and fills in its fields. It speaks HTTP, so a story costs milliseconds. It finds buttons, links
and fields by the words on the page, sends the forms as they stand there, and follows redirects. What a page does not show it
cannot press.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urlsplit

from mfa_gate.testing.softkey import SoftKey
from tests.harness import FORM, ORIGIN, PAGE, Browser, Reply

from .phones import Phone

READ, POINT, PRESS, KEY, HOME_IN = 1.35, 1.1, 0.2, 0.28, 0.4
"""Seconds of the keystroke-level model (Card, Moran, Newell 1980): to think, to point, to press a button, to hit a key as an
average typist, to move the hand to the keys."""
VOID = frozenset({"input", "meta", "link", "br", "img", "source", "path", "hr"})
MOST_HOPS = 6


@dataclass(slots=True, eq=False)
class Element:
    """One element of a page, with its words and the form that it stands in."""

    name: str
    attributes: dict[str, str]
    form: Element | None = None
    words: str = ""
    hidden: bool = False
    options: list[str] = field(default_factory=list)

    def says(self, text: str) -> bool:
        """Tell if the words of a button or link begin with ``text``."""
        return " ".join(self.words.split()).startswith(text)


class Reader(HTMLParser):
    """Reads a page into its forms, links, buttons, fields and labels."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element; what is in a ``noscript`` or ``hidden`` part is not shown."""
        attributes = {name: value or "" for name, value in attrs}
        forms = [it for it in self._open if it.name == "form"]
        hidden = "hidden" in attributes or tag in ("noscript", "template") or any(it.hidden for it in self._open)
        made = Element(tag, attributes, forms[-1] if forms else None, hidden=hidden)
        self.elements.append(made)
        if tag not in VOID:
            self._open.append(made)

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        if tag not in VOID:
            while self._open.pop().name != tag:
                pass

    def handle_data(self, data: str) -> None:
        """Add words to all that is open."""
        for it in self._open:
            it.words += data


@dataclass(slots=True)
class Hand:
    """A hand at one browser. ``device`` makes and uses passkeys, ``phone`` approves."""

    browser: Browser
    device: SoftKey | None = None
    phone: Phone | None = None
    presses: int = 0
    fields: int = 0
    keys: int = 0
    pages: int = 0
    outside: float = 0.0
    path: str = ""
    page: str = ""
    typed: dict[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Return the time by the model, without mistakes and without the delivery of messages."""
        typing = self.fields * HOME_IN + self.keys * KEY
        return self.pages * READ + self.presses * (POINT + PRESS) + typing + self.outside

    async def open(self, path: str) -> None:
        """Arrive at a page, as a person does who is signed in with the password."""
        await self._arrive(await self.browser.page(path), path)

    def type(self, label: str, text: str) -> None:
        """Fill in the field with that label."""
        self.typed[self._field(label).attributes["name"]] = text
        self.fields += 1
        self.keys += len(text)

    def tick(self, label: str) -> None:
        """Tick the box with that label: a press, too."""
        box = self._field(label)
        self.typed[box.attributes["name"]] = box.attributes["value"]
        self.presses += 1

    def do(self, seconds: float) -> None:
        """Spend time away from the page: to read a message, to hold up a phone, to touch a key."""
        self.outside += seconds

    async def press(self, words: str) -> None:
        """Press the button or link whose words begin so, and go to where it leads."""
        self.presses += 1
        found = [it for it in self._read() if it.name in ("a", "button") and it.says(words)]
        with_script = [it for it in found if "data-passkey" in it.attributes]
        if with_script:
            return await self._touch(with_script[0])
        shown = [it for it in found if not it.hidden]
        assert shown, f"no button or link {words!r} on {self.path}: {self.page}"
        it = shown[0]
        if it.name == "a":
            await self.open(it.attributes["href"])
        else:
            await self._send(it)
        return None

    async def answered(self) -> None:
        """Let the page's script send its form, after an answer that came another way: no press."""
        elements = self._read()
        form = next(it for it in elements if "data-poll" in it.attributes)
        button = next(it for it in elements if it.form is form and "primary" in it.attributes.get("class", ""))
        await self._send(button)

    # -- the page --------------------------------------------------------------------------------------------------

    def _read(self) -> list[Element]:
        reader = Reader()
        reader.feed(self.page)
        return reader.elements

    def _field(self, label: str) -> Element:
        elements = self._read()
        named = next(it.attributes["for"] for it in elements if it.name == "label" and it.says(label))
        return next(it for it in elements if it.attributes.get("id") == named)

    async def _touch(self, button: Element) -> None:
        """Do as the script of a passkey's button: ask the gate, ask the device, send the form."""
        assert self.device is not None
        asked = button.attributes["data-options"]
        found: dict[str, Any] = {"public_key": json.loads(asked)} if asked else {}
        if not asked:
            call = button.attributes["data-ask"].rpartition("/api/")[2]
            found = (await self.browser.api("POST", call, json.loads(button.attributes["data-body"]))).json()
        act = self.device.create if button.attributes["data-passkey"] == "create" else self.device.get
        self.typed |= {"code": json.dumps(act(found["public_key"]))}
        self.typed |= {name: found[name] for name in ("enrollment", "challenge") if name in found}
        await self._send(button)

    async def _send(self, button: Element) -> None:
        named = button.attributes.get("form")
        form = button.form or next(it for it in self._read() if it.attributes.get("id") == named)
        inside = [it for it in self._read() if it.name == "input" and it.form is not None]
        mine = [it for it in inside if it.form is not None and it.form.attributes == form.attributes]
        sent = {
            it.attributes["name"]: it.attributes.get("value", "")
            for it in mine
            if it.attributes.get("type") != "checkbox" or "checked" in it.attributes
        }
        sent |= {name: text for name, text in self.typed.items() if any(it.attributes["name"] == name for it in mine)}
        if "name" in button.attributes:
            sent[button.attributes["name"]] = button.attributes["value"]
        path = form.attributes["action"].partition("#")[0]
        headers = (*PAGE, FORM, ("origin", ORIGIN))
        await self._arrive(await self.browser.ask("POST", path, headers=headers, body=urlencode(sent).encode()), path)

    async def _arrive(self, reply: Reply, path: str) -> None:
        """Follow redirects, and read the page at their end."""
        for _ in range(MOST_HOPS):
            if reply.status != 303:
                break
            parts = urlsplit(reply.location)
            path = f"{parts.path}?{parts.query}".rstrip("?")
            reply = await self.browser.page(path)
        assert reply.status == 200, f"{path}: {reply.status} {reply.text[:2000]}"
        self.path, self.page, self.typed = path, reply.text, {}
        self.pages += "<html" in self.page
