"""Every requirement id that the repository uses is explained in ``tests/README.md``."""

from __future__ import annotations

import re
from pathlib import Path

ID = re.compile(r"\b(?:[SFUD]-\d{1,3}|P-\d{1,2})\b")
"""``P-256`` is a curve."""
EXPLAINED = re.compile(rf"^\| ({ID.pattern}) \| \S", re.MULTILINE)
FOLDERS = ("src", "tests", "example_app")
SUFFIXES = {".py", ".toml", ".html", ".js", ".css", ".txt"}


def test_each_id_has_a_line(root: Path) -> None:
    """Each id that source and tests name has one line, and no line is left over."""
    explained = EXPLAINED.findall((root / "tests" / "README.md").read_text())
    used: dict[str, str] = {}
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SUFFIXES and path != Path(__file__):
                used |= dict.fromkeys(ID.findall(path.read_text()), str(path.relative_to(root)))
    assert {id: path for id, path in used.items() if id not in explained} == {}, "add a line for it"
    assert sorted({*explained} - {*used}) == [], "nothing names it any more"
    assert len(explained) == len({*explained})
