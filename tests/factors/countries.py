"""The tool that writes the names of regions: ``python -m tests.factors.countries``.

They are those of the Unicode CLDR, as Babel has them, in the languages of the pages.
"""

from __future__ import annotations

import json
from pathlib import Path

import mfa_gate
from mfa_gate.factors.regions import REGIONS

FOLDER = Path(mfa_gate.__file__).parent / "factors" / "countries"
LANGUAGES = ("en", "ar", "de", "es", "fr", "pt-BR", "vi", "zh-Hans")


def names(tag: str) -> dict[str, str]:
    """Return the name of each region in a language."""
    from babel import Locale

    known = Locale.parse(tag, sep="-").territories
    return {code: known[code] for code in sorted(REGIONS)}


if __name__ == "__main__":
    for tag in LANGUAGES:
        text = json.dumps(names(tag), ensure_ascii=False, separators=(",", ":"))
        (FOLDER / f"{tag}.json").write_text(text.replace('","', '",\n"') + "\n", "utf-8")
