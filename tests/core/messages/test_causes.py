"""Each reason that the program writes into an event has words for people."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import mfa_gate
from mfa_gate.core.messages.causes import CAUSES, TRAIL_FAULTS, WITH_A_VALUE, words_of
from mfa_gate.core.reasons import REASONS
from mfa_gate.service.shared_signals import ENDS
from mfa_gate.service.trail_verification import Fault

SOURCE = Path(mfa_gate.__file__).parent
ROOMS = ("core", "service", "senders", "factors", "web")
WRITERS = frozenset(
    {
        "begin_again", "close", "drop", "emptied", "end_all_proofs", "event", "lock_now", "stopped",
        "_limits", "_refunded", "_tell", "_tell_refused", "_told", "settle_failure", "tell_refused",
        "Outcome", "Rejected", "SendFailed",
    }
)  # fmt: skip
"""The functions that are given the reason of an event, and the failures whose reason becomes one."""
BY_PLACE = {"_tell": 1, "_tell_refused": 2, "tell_refused": 3, "SendFailed": 0}
"""The place of the reason where it has no name."""


def named_texts(tree: ast.Module) -> dict[str, str]:
    """The constants of a module that are texts."""
    return {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }


def texts_of(node: ast.expr, names: dict[str, str]) -> Iterator[str]:
    """The texts that an expression may have, as far as they stand in the source."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Name(id=name) if name in names:
            yield names[name]
        case ast.IfExp():
            yield from texts_of(node.body, names)
            yield from texts_of(node.orelse, names)


@cache
def written() -> dict[str, str]:
    """Each reason in the source, with the file that writes it."""
    found = dict.fromkeys(ENDS.values(), "service/shared_signals.py")
    for path in sorted(path for room in ROOMS for path in (SOURCE / room).rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        names, place = named_texts(tree), str(path.relative_to(SOURCE))
        if place == "service/send_limits.py":
            limits = next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "_limits")
            found |= {
                n.value: place
                for n in ast.walk(limits)
                if isinstance(n, ast.Constant) and isinstance(n.value, str) and n.value.startswith("per_")
            }
        if place == "core/changes/break_glass.py":
            found |= dict.fromkeys(("locked", "revoked", "over"), place)
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name not in WRITERS:
                continue
            parts = [word.value for word in call.keywords if word.arg == ("cause" if name == "lock_now" else "reason")]
            if name in BY_PLACE and len(call.args) > BY_PLACE[name]:
                parts.append(call.args[BY_PLACE[name]])
            found |= {text: place for part in parts for text in texts_of(part, names)}
    return {text: place for text, place in found.items() if text}


def english(text: str) -> str:
    return text


def test_every_reason_of_the_program_has_words() -> None:
    """A reason that is written somewhere in the source is a row here, or a refusal."""
    found = written()
    assert len(found) > 50
    assert {text: place for text, place in found.items() if text not in CAUSES and text not in REASONS} == {}


def test_no_words_for_a_reason_that_nobody_writes() -> None:
    """A row of a word that went is taken away; what a release before wrote may stay."""
    others = {*TRAIL_FAULTS, "damaged", "attempts", "rolling", "start", "file changed", "signal", "application"}
    gone = CAUSES.keys() - written().keys() - others - {"wrong_answers", "new_network", "after_reset"}
    assert gone == set()


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("over", "its time is over"),
        ("locked", REASONS["locked"].title),
        ("damaged: 7", "the line at this place is damaged: 7"),
        ("the signed head was altered: by whom", "the signed head was altered: by whom"),
        ("lost phone: ticket 7", "lost phone: ticket 7"),
        ("over: and out", "over: and out"),
        ("", ""),
    ],
)
def test_the_words_of_a_reason(cause: str, words: str) -> None:
    """The sentence of a person stays as it is."""
    assert words_of(cause, english) == words


def test_a_value_stays_behind_the_words() -> None:
    assert {words_of(f"{word}: 7", lambda text: "X") for word in WITH_A_VALUE} == {"X: 7"}


def test_a_fault_of_the_trail_has_words() -> None:
    """One without is a mistake of ours that no reader of another language may find."""
    with pytest.raises(ValueError, match="no words"):
        Fault(0, "something is odd")
    assert Fault(0, "the signed head was altered", "a key").text == "the signed head was altered: a key"
    assert Fault(0, "the signed head was altered").text == "the signed head was altered"
