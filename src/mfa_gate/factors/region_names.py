"""The names of regions, as the Unicode CLDR has them in the languages of the pages.

``python -m tests.factors.countries`` writes the files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


def region_name(code: str, lang: str = "en") -> str:
    """Return the name of a region in a language, else in English, else its code."""
    return _names(lang).get(code) or _names("en").get(code, code)


def told_regions(detail: str, lang: str = "en") -> tuple[str, str]:
    """Read the detail of a refused region: the number's own, and the accepted ones."""
    own, *accepted = detail.split()
    return region_name(own, lang), ", ".join(region_name(code, lang) for code in accepted)


@cache
def _names(lang: str) -> Mapping[str, str]:
    """Read the names in a language of ours; none for any other language."""
    if lang not in _languages():
        return {}
    names: Mapping[str, str] = json.loads(
        files("mfa_gate.factors").joinpath("countries", f"{lang}.json").read_text("utf-8")
    )
    return names


@cache
def _languages() -> frozenset[str]:
    folder = files("mfa_gate.factors").joinpath("countries")
    return frozenset(file.name.removesuffix(".json") for file in folder.iterdir())
