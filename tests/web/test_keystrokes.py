"""The price of each story in presses, fields and seconds, beside the large providers.

The seconds are of the keystroke-level model (Card, Moran, Newell 1980). A page is read in one act of thought, a button is
pointed at and pressed, a key is hit. A set-up ends when the method works.
``python -m tests.web.test_keystrokes`` writes the table of the README anew. The presses of our stories are walked in
``test_enrollment_pages.py``, ``test_any_code.py`` and the browser stories.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import mfa_gate.web

README = Path(mfa_gate.web.__file__).with_name("README.md")
MARKS = re.compile(r"(<!-- keystrokes -->\n).*?(<!-- /keystrokes -->)", re.DOTALL)
READ, POINT, PRESS, KEY, HAND = 1.35, 1.1, 0.2, 0.28, 0.4
"""Seconds: to think about a page, to point, to press, to hit a key, to move the hand to the keys."""


@dataclass(frozen=True, slots=True)
class Story:
    """One way through our pages. ``outside`` are the seconds at the phone or at a key."""

    name: str
    presses: int
    fields: int
    pages: int
    keys: int
    outside: float
    login_gov: str
    google: str
    microsoft: str

    @property
    def seconds(self) -> int:
        """Return the time of somebody who makes no mistake, without the delivery of a message."""
        typed = self.fields * HAND + self.keys * KEY
        return round(self.pages * READ + self.presses * (POINT + PRESS) + typed + self.outside)

    @property
    def best(self) -> int:
        """Return the fewest presses of the others."""
        told = (self.login_gov, self.google, self.microsoft)
        return min(int(re.split(r"[,–]", text)[0]) for text in told if text != "none")


STORIES = (
    Story("code by text message or e-mail", 1, 1, 1, 6, 3, "1, 1", "1, 1", "2, 1"),
    Story("code of an app", 1, 1, 1, 6, 4, "1, 1", "1, 1", "1, 1"),
    Story("passkey", 1, 0, 1, 0, 1.5, "1, 0", "1, 0", "1, 0"),
    Story("approval on the phone", 0, 0, 1, 2, 6, "none", "1, 0", "1, 1"),
    Story("backup code instead of a code", 1, 1, 1, 10, 6, "2, 1", "3, 1", "none"),
    Story("a new code", 1, 0, 1, 0, 0, "1, 0", "1, 0", "1, 0"),
    Story("set up an app", 2, 1, 2, 6, 14, "4, 2", "4, 1", "5, 1"),
    Story("set up text messages", 3, 2, 3, 16, 3, "4, 2", "4, 2", "5, 2"),
    Story("set up a passkey", 2, 0, 2, 0, 1.5, "3, 1", "2, 0", "3, 1"),
    Story("set up approval on the phone", 1, 0, 2, 2, 16, "none", "none", "5, 1"),
)


def table() -> str:
    """Write the table: presses and fields of each, and our seconds."""
    head = "| story, after the password | mfa_gate | login.gov | Google | Microsoft | our seconds |\n|---|---|---|---|---|---|\n"
    rows = (
        f"| {it.name} | {it.presses}, {it.fields} | {it.login_gov} | {it.google} | {it.microsoft} | {it.seconds} |\n"
        for it in STORIES
    )
    return head + "".join(rows)


def test_never_more_presses_than_the_best() -> None:
    """No story of ours takes more presses than the best of the others."""
    assert [it.name for it in STORIES if it.presses > it.best] == []


def test_the_readme_has_the_table() -> None:
    """The README beside the pages has the table as it is here."""
    found = MARKS.search(README.read_text(encoding="utf-8"))
    assert found is not None
    assert table() in found.group(0), "python -m tests.web.test_keystrokes writes it anew"


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(MARKS.sub(lambda found: f"{found[1]}{table()}{found[2]}", text), encoding="utf-8")
