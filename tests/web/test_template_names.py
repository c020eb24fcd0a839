"""The names that templates of hosts use do not change within a version of the templates."""

from __future__ import annotations

import json
from typing import Any

from .template_names import README, RECORD, names, readme

WRITE = "python -m tests.web.template_names writes the README and the record anew"


def test_no_name_goes_without_a_new_version() -> None:
    """Files, blocks and values of the recorded version are all there.

    Who takes one away raises ``TEMPLATES`` in ``views/catalogue.py`` and says so in the changelog.
    """
    recorded, present = json.loads(RECORD.read_text()), names()
    if recorded["version"] == present["version"]:
        assert lost(recorded, present) == [], "raise TEMPLATES"
    assert recorded == present, WRITE


def lost(recorded: dict[str, Any], present: dict[str, Any]) -> list[str]:
    """List the recorded names that are gone."""
    gone = [name for part in ("blocks", "frame", "others") for name in recorded[part] if name not in present[part]]
    for template, values in {**recorded["pages"], **recorded["messages"]}.items():
        here = {**present["pages"], **present["messages"]}.get(template)
        gone += [template] if here is None else [f"{template}: {value}" for value in values if value not in here]
    return gone


def test_a_name_that_goes_is_found() -> None:
    """The check sees a block, a value and a page that are gone."""
    present = names()
    fewer = json.loads(json.dumps(present))
    fewer["blocks"].remove("card")
    fewer["messages"]["mails/letter.txt"].remove("text")
    fewer["pages"]["locked.html"].remove("ref")
    del fewer["pages"]["fault.html"]
    assert lost(present, fewer) == ["card", "fault.html", "locked.html: ref", "mails/letter.txt: text"]


def test_the_list_is_that_of_the_code() -> None:
    """The README of the views shows every page with its values."""
    assert README.read_text() == readme(), WRITE
