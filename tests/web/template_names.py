"""The names that templates of hosts may use, and the README that lists them.

``python -m tests.web.template_names`` writes the README of the views and the record of this version anew.
"""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

from mfa_gate.web import views
from mfa_gate.web.resources import every_text, folder
from mfa_gate.web.views.catalogue import MESSAGES, TEMPLATES, VIEWS, values_of

RECORD = Path(__file__).with_suffix(".json")
README = Path(views.__file__).parent / "README.md"


def blocks() -> list[str]:
    """List the blocks of the page that all others extend."""
    text = dict(every_text(folder("templates")))["base.html"]
    return sorted(set(re.findall(r"\{% block (\w+) %\}", text)))


def names() -> dict[str, Any]:
    """Return all promised names of this version."""
    return {
        "version": TEMPLATES,
        "blocks": blocks(),
        "frame": sorted(values_of(views.Frame)),
        "pages": {template: sorted(values_of(kind)) for template, kind in sorted(VIEWS.items())},
        "messages": {template: sorted(values_of(kind)) for template, kind in sorted(MESSAGES.items())},
        "others": sorted(name for name, _ in every_text(folder("templates")) if name not in {**VIEWS, **MESSAGES}),
    }


def readme() -> str:
    """Write the README of the views."""
    rows = []
    messages = []
    for kind in dict.fromkeys(MESSAGES.values()):
        named = ", ".join(f"`{name}`" for name, one in MESSAGES.items() if one is kind)
        messages += [f"### {named}", "", (kind.__doc__ or "").strip().split("\n")[0], "", *table(kind), ""]
    for template, kind in sorted(VIEWS.items()):
        about = (kind.__doc__ or "").strip().split("\n")[0]
        rows += [f"### `{template}`", "", about, "", *table(kind), ""]
    return (
        "\n".join(
            [HEAD.format(version=TEMPLATES), *table(views.Frame), "", MESSAGES_HEAD, *messages, "## Pages", "", *rows]
        ).rstrip()
        + "\n"
    )


def table(kind: type) -> list[str]:
    """List the values of a class with their types."""
    types = (
        {field.name: str(field.type) for field in dataclasses.fields(kind)} if dataclasses.is_dataclass(kind) else {}
    )
    types |= {
        name: str(one.fget.__annotations__["return"])
        for name, one in vars(kind).items()
        if isinstance(one, property) and one.fget is not None
    }
    types |= {"dir": "str", "problem": "a function: the problem of a field, or none"}
    lines = [f"| `{name}` | `{types[name]}` |".replace(" | None", " or none") for name in values_of(kind)]
    return ["| value | type |", "|---|---|", *lines] if lines else ["It has no values of its own."]


MESSAGES_HEAD = """## Mails and text messages

These templates have `view` and `_("text")`, and nothing else: no `frame`. Each of `view.parts` has a `kind` (`text`, `heading`,
`code`, `facts`, `button`, `note`) and its `text`; a button has a `label` and a `url`. `light` and `dark` hold the colors `page`,
`card`, `text`, `muted`, `line`, `soft`, `accent` and `on_accent`. A text in a `.txt` file is not escaped.
"""

HEAD = """# The values of each page

For templates of your own ([how to replace one](../README.md#looks)). This list is made from the code:
`python -m tests.web.template_names`.

**Version {version}.** The number rises when a file, a block or a value goes or gets another meaning; new ones may come at any
time. The changelog names what changed. A template that names its version, `{{# mfa_gate templates {version} #}}`, is refused at
the start by a gate of another version.

Every template has `view` (the values of its page), `frame` (those of all pages), `prefix` (the address that our own links begin
with), `asset("mfa.css")`, and `_("text")`, which translates. Times are UTC seconds since 1970 (0: never), lengths are seconds,
addresses are absolute paths. A rule's word (a reason, a kind of factor) is put into words by the template. Types in these tables
are classes of this folder. The HTML of our pages and their classes are no promise.

## `frame`
"""


def main() -> None:
    """Write both files."""
    RECORD.write_text(json.dumps(names(), indent=1) + "\n")
    README.write_text(readme())


if __name__ == "__main__":
    main()
