"""The price of each story in presses, fields and seconds, beside the large providers.

Each is counted while it runs.

The seconds are of the keystroke-level model (Card, Moran, Newell 1980): see ``hand.py``. A set-up ends when the method works
and its backup codes are kept; "in the app" counts on until the app answers. ``python -m tests.web.test_keystrokes`` writes the
table of the README anew.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

import mfa_gate.web
from tests.harness import World

from . import stories
from .hand import Hand
from .stories import Story, later

README = Path(mfa_gate.web.__file__).with_name("README.md")
MARKS = re.compile(r"(<!-- keystrokes -->\n).*?(<!-- /keystrokes -->)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Row:
    """One way through our pages, and what the others ask for on theirs: presses, fields.

    ``codes``: the first set-up comes with backup codes, which are kept before the app.
    """

    name: str
    story: Story
    login_gov: str
    google: str
    microsoft: str
    codes: bool = False

    @property
    def best(self) -> int:
        """Return the fewest presses of the others."""
        told = (self.login_gov, self.google, self.microsoft)
        return min(int(text.split(",")[0]) for text in told if text != "none")


@dataclass(frozen=True, slots=True)
class Count:
    """The price of one story until the method works, and the presses until the app answers."""

    presses: int
    fields: int
    in_the_app: int
    seconds: int


ROWS = (
    Row("code by text message", later(stories.set_up_texts, stories.confirm_text), "1, 1", "1, 1", "2, 1"),
    Row("code of an app", later(stories.set_up_app, stories.confirm_app), "1, 1", "1, 1", "1, 1"),
    Row("passkey", later(stories.set_up_passkey, stories.confirm_passkey), "1, 0", "1, 0", "1, 0"),
    Row("approval on the phone", later(stories.set_up_approval, stories.confirm_approval), "none", "1, 0", "1, 1"),
    Row(
        "backup code instead of a code", later(stories.set_up_app, stories.confirm_backup), "4, 1", "3, 1", "none", True
    ),
    Row("a new code", later(stories.set_up_texts, stories.new_code), "1, 0", "1, 0", "1, 0"),
    Row("set up an app", stories.set_up_app, "3, 2", "4, 1", "6, 1"),
    Row("set up text messages", stories.set_up_texts, "4, 2", "4, 2", "5, 2"),
    Row("set up a passkey", stories.set_up_passkey, "3, 1", "2, 0", "3, 1"),
    Row("set up approval on the phone", stories.set_up_approval, "none", "none", "5, 1"),
    Row("set up an app, keep backup codes", stories.set_up_app, "5, 2", "6, 1", "none", True),
    Row("set up text messages, keep backup codes", stories.set_up_texts, "6, 2", "6, 2", "none", True),
    Row("set up a passkey, keep backup codes", stories.set_up_passkey, "5, 1", "4, 0", "none", True),
)


async def _walk(row: Row) -> Count:
    async def whole(hand: Hand, world: World) -> None:
        await row.story(hand, world)
        if row.codes and stories.SAFE in hand.page:
            await stories.keep_codes(hand)
        taken.append((hand.presses, hand.fields, round(hand.seconds)))
        await stories.to_the_app(hand, world)

    taken: list[tuple[int, int, int]] = []
    hand = await stories.walk(whole, codes=row.codes)
    presses, fields, seconds = taken[0]
    return Count(presses, fields, hand.presses, seconds)


async def counted() -> list[Count]:
    """Walk all stories, in the order of the rows."""
    return [await _walk(row) for row in ROWS]


def table(counts: list[Count]) -> str:
    """Write the table: presses and fields of each."""
    head = (
        "| story, after the password | mfa_gate | login.gov | Google | Microsoft | presses to the app | seconds |\n"
        "|---|---|---|---|---|---|---|\n"
    )
    rows = (
        f"| {row.name} | {it.presses}, {it.fields} | {row.login_gov} | {row.google} | {row.microsoft}"
        f" | {it.in_the_app} | {it.seconds} |\n"
        for row, it in zip(ROWS, counts, strict=True)
    )
    return head + "".join(rows)


async def test_never_more_presses_than_the_best() -> None:
    """No story takes more presses than the best of the others; the README has the counts."""
    counts = await counted()
    assert [row.name for row, it in zip(ROWS, counts, strict=True) if it.presses > row.best] == []
    found = MARKS.search(README.read_text(encoding="utf-8"))
    assert found is not None
    assert table(counts) in found.group(0), "python -m tests.web.test_keystrokes writes it anew"


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(
        MARKS.sub(lambda found: f"{found[1]}{table(asyncio.run(counted()))}{found[2]}", text), encoding="utf-8"
    )
