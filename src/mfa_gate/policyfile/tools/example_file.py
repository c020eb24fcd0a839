"""Write the complete example of a policy file: every key, with its meaning as a comment."""

from __future__ import annotations

from collections.abc import Iterator

from ...factors import BUILT_IN, Registry
from .example_values import ALTERNATIVES, NEEDS_FILES
from .reference import Entry, Section, sections

HEAD = """\
# A policy with every key. Each comment says the meaning, the values, and the default where there is one.
# Keys in comments are alternatives to others, or name files that must lie beside the policy.
"""
NETWORKS = """\
# Networks by name: each key is a name of your own, its value a list of networks.
[networks]
hq = ["198.51.100.0/28", "2001:db8:44::/64"]
"""
RAILS = """\
# How far a tenant's own section may move a key: [rails] names the key, and its limits.
[rails]
"freshness.max_age" = { min = "12h", max = "30d" }
"factors.allowed" = { subset = true, at_least = 1 }
"enrollment.stage" = { only_stricter = true }
"""
TENANTS = """\
# Sections for one tenant each: any section above, with the keys that differ.
[tenants.clinic]
freshness.max_age = "1d"
brand.name = "Example Clinic"
"""


def example_file(factors: Registry = BUILT_IN) -> str:
    """Write the example. It is a valid policy, without warnings, and its test holds."""
    return HEAD + "\n" + "\n".join("\n".join(lines) for lines in _parts(factors)) + "\n"


def _parts(factors: Registry) -> Iterator[list[str]]:
    for section in sections(factors):
        if section.head.startswith("[rails."):
            yield from ([NETWORKS], [RAILS], [TENANTS])
            continue
        lines = _lines(section)
        if lines:
            yield lines


def _lines(section: Section) -> list[str]:
    """Write one section; nothing for one that only holds other sections."""
    keys = [entry for entry in section.entries if entry.value not in ("section", "sections")]
    if not keys:
        return []
    mark = "# " if section.head in NEEDS_FILES else ""
    lines = [f"# {section.about}"] if section.about else []
    lines += [f"{mark}{section.head}"] if section.head else []
    for entry in keys:
        own = "# " if (section.head, entry.key) in ALTERNATIVES else mark
        lines += [f"# {_comment(entry)}", f"{own}{entry.key} = {entry.example}"]
    return [*lines, ""]


def _comment(entry: Entry) -> str:
    default = f" Default: {entry.default}." if entry.default and entry.default != entry.example else ""
    return f"{entry.about} {entry.value[:1].upper()}{entry.value[1:]}.{default}"
