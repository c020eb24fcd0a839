"""Read the host's catalogues, and check them at start (V-40).

``catalogues`` is a folder as gettext has it: ``fr/LC_MESSAGES/mfa_gate.mo``, also for English.
"""

from __future__ import annotations

import gettext
import logging
import re
from ast import literal_eval
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from .i18n import DOMAIN, OWN_NAME, Languages, available
from .resources import folder, host_folder

log = logging.getLogger("mfa_gate")

MOST_TOLD = 5
_TAG = re.compile(r"[a-z]{2,3}([-_][A-Z][a-z]{3})?([-_]([A-Z]{2}|\d{3}))?")
_VALUE = re.compile(r"%\(\w+\)\d*[ds]|\{\w+\}")
_TEXT = re.compile(r'(msgid|msgid_plural)?\s*("(?:[^"\\]|\\.)*")')


def read_catalogues(given: object) -> tuple[Languages, list[str]]:
    """Read the folder ``given``. Returns the languages, and its faults.

    Words of texts that no page has are named in the log: they may be those of another version.
    """
    top, faults = host_folder("catalogues", given, "my_words")
    if top is None:
        return Languages(), faults
    said = f"catalogues={str(given)!r}"
    own: dict[str, gettext.GNUTranslations] = {}
    for place in sorted(path for path in top.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))):
        file = place / "LC_MESSAGES" / f"{DOMAIN}.mo"
        if not _TAG.fullmatch(place.name):
            faults.append(f'{said}: {place.name!r} is no tag of a language; name the folder e.g. "fr" or "pt-BR"')
        elif not file.is_file():
            faults.append(f"{said}: {file.relative_to(top)} does not exist{_uncompiled(file)}")
        else:
            read = _read(file)
            if isinstance(read, str):
                faults.append(f"{said}: {file.relative_to(top)} {read}")
            else:
                tag = place.name.replace("_", "-")
                faults += [f"{said}: {tag}: {fault}" for fault in _faults_in(tag, read)]
                own[tag] = read
    if not own and not faults:
        faults.append(f"{said}: the folder has no catalogue; it must hold e.g. fr/LC_MESSAGES/{DOMAIN}.mo")
    return Languages(own), faults


def _uncompiled(file: Path) -> str:
    """Name the way to compile a catalogue that is there as text only."""
    if file.with_suffix(".po").is_file():
        return f"; compile the catalogue: msgfmt {file.stem}.po -o {file.name}"
    others = sorted(path.name for path in file.parent.glob("*.mo"))
    return f"; {others[0]} must have this name" if others else ""


def _read(file: Path) -> gettext.GNUTranslations | str:
    """Read a catalogue, or return the reason why it cannot be read."""
    try:
        with file.open("rb") as opened:
            return gettext.GNUTranslations(opened)
    except (OSError, ValueError, SyntaxError, ArithmeticError, LookupError) as error:
        return f"cannot be read: {error}; compile it anew"
    except Exception as error:  # gettext unpacks bytes and evaluates the rule of plurals
        return f"is no catalogue ({type(error).__name__}); compile it anew"


def _texts(read: gettext.GNUTranslations) -> dict[str, str]:
    """List the texts of a catalogue and their words; those of one plural are joined."""
    found: dict[str, str] = {}
    for key, words in getattr(read, "_catalog").items():  # noqa: B009  # gettext has no public list
        text = key[0] if isinstance(key, tuple) else key
        if text:
            found[text] = f"{found[text]}\n{words}" if text in found else words
    return found


def _faults_in(tag: str, read: gettext.GNUTranslations) -> Iterator[str]:
    """Find words that would break a page, or lose a value.

    The log names those that nothing shows.
    """
    texts, known = _texts(read), known_texts()
    if not texts:
        yield "the catalogue has no words"
    if tag not in available() and OWN_NAME not in texts:
        yield f"the language has no name for the switcher; give {OWN_NAME!r} the language's own name as its words"
    faults = [fault for text, words in texts.items() if text in known for fault in _faults_of(text, words, known[text])]
    yield from faults[:MOST_TOLD]
    if len(faults) > MOST_TOLD:
        yield f"{len(faults) - MOST_TOLD} more faults like these"
    _tell_unknown(tag, [text for text in texts if text not in known], known)


def _faults_of(text: str, words: str, plural: str) -> Iterator[str]:
    wanted, found = set(_VALUE.findall(text + plural)), set(_VALUE.findall(words))
    if found - wanted:
        yield f"the words for {text!r} ask for {', '.join(sorted(found - wanted))}, which this text does not have"
    elif not plural and wanted - found:
        yield f"the words for {text!r} lack {', '.join(sorted(wanted - found))}"
    if "%(" in text and re.search(r"%(?!\(\w+\)\d*[ds])", words.replace("%%", "")):
        yield f"the words for {text!r} have a % that begins no value; write %%"
    if "{" not in text and ("<" in words or '"' in words):
        yield f'the words for {text!r} have < or ", which may stand in an attribute; write other quotation marks'


def _tell_unknown(tag: str, unknown: list[str], known: Iterable[str]) -> None:
    if not unknown:
        return
    near = get_close_matches(unknown[0], list(known), n=1, cutoff=0.7)
    log.warning(
        "mfa_gate: catalogue %s: %d texts are none of this version and are never shown, e.g. %r%s",
        tag,
        len(unknown),
        unknown[0],
        f"; nearest is {near[0]!r}" if near else "",
    )


@cache
def known_texts() -> dict[str, str]:
    """Return every text that has words, with its plural ("": none).

    They are those of the template that ships with the catalogues.
    """
    found: dict[str, str] = {}
    for entry in folder("locale").joinpath(f"{DOMAIN}.pot").read_text("utf-8").split("\n\n"):
        parts = {"msgid": "", "msgid_plural": ""}
        at = ""
        for line in entry.splitlines():
            if line.startswith("msgstr"):
                break
            if match := _TEXT.fullmatch(line.strip()):
                at = match[1] or at
                parts[at] += literal_eval(match[2])
        if parts["msgid"]:
            found[parts["msgid"]] = parts["msgid_plural"]
    return found
