"""The reference names every key, and the README beside the code has it as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

import mfa_gate.policyfile
from mfa_gate.core.rules import Rules
from mfa_gate.factors import BUILT_IN
from mfa_gate.policyfile import keys
from mfa_gate.policyfile.scenario import Example
from mfa_gate.policyfile.shape import leaves
from mfa_gate.policyfile.tools.reference import Entry, names, reference, sections, sections_named

README = Path(mfa_gate.policyfile.__file__).parent / "README.md"


def entries() -> dict[str, Entry]:
    """Every key by the header of its section and its name."""
    return {f"{section.head} {entry.key}": entry for section in sections() for entry in section.entries}


def test_the_readme_has_every_key_as_the_code_has_it() -> None:
    """The end of the README is the output of ``mfa-gate policy keys``."""
    head, _, found = README.read_text().partition("### The top of the file")
    assert head, "the README has no reference"
    assert "### The top of the file" + found == reference(), "put the output of: mfa-gate policy keys there"


def test_every_key_is_in_the_reference_with_one_sentence() -> None:
    """Each key is an entry of its section, and each entry is one sentence."""
    found = entries()
    for path in leaves(BUILT_IN):
        head = f"[{'.'.join(path[:-1])}]" if path[1:] else ""
        assert f"{head} {path[-1]}" in found
    assert [name for name, entry in found.items() if not entry.about.endswith(".")] == []


def test_values_and_defaults_are_those_of_the_reader() -> None:
    """Entries of every sort have their values and defaults."""
    found = entries()
    assert found["[attempts] max"].value == "number, between 1 and 100"
    assert (found["[attempts] max"].default, found["[attempts] max"].stricter) == ("7", "lower")
    assert found["[freshness] max_age"].default == '"7d"'
    assert found["[enrollment] first"].stricter == '`"ticket"` > `"contact"` > `"open"`'
    assert found["[sends] per_destination"].default == '{ count = 30, window = "1d" }'
    assert found["[sends] cap_per_day"].default == ""
    assert found["[[exempt]] reason"].required
    assert found[" version"].required


def test_every_key_has_an_example() -> None:
    """A key that holds a value shows one that the reader takes, its default or another."""
    bare = [
        name for name, entry in entries().items() if entry.value not in ("section", "sections") and not entry.example
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("max_age", {"[freshness]", "[[step_up]]"}),
        ("freshness.max_age", {"[freshness]"}),
        ("freshness", {"[freshness]", "[freshness.ip_change]", "[freshness.ip_change.compare]"}),
        ("step_up", {"[[step_up]]"}),
        ("[[step_up]]", {"[[step_up]]"}),
        ("mode", {""}),
        ("maxage", set()),
    ],
)
def test_one_key_or_section(name: str, expected: set[str]) -> None:
    """A name finds a section with those within it, else the keys of that name."""
    found = sections_named(name)
    assert {section.head for section in found} == expected
    assert bool(reference(name=name)) == bool(expected)
    assert name.strip("[]") in names() or not expected


@pytest.mark.parametrize(("cls", "name"), [(Rules, "mode"), (Example, "given")])
def test_a_field_without_a_row_is_refused(cls: type, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key cannot be added without its meaning: the look-up that runs at import fails."""
    rows = {field: row for field, row in keys.KEYS[cls].items() if field != name}
    monkeypatch.setattr(keys, "KEYS", {**keys.KEYS, cls: rows})
    with pytest.raises(KeyError, match=name):
        keys.key_for(cls, name)
