"""The words of a refusal on a terminal.

A command speaks to an operator, not to the visitor of a page.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from ..core.reasons import Refusal
from ..web.members import words_of
from .context import NO
from .terminal import json_text, plain_lines

WORDS: Mapping[str, str] = {
    "not_found": "nothing of this name is here: no such person, part or request; accounts list and accounts show have all",
    "not_allowed": "the state of the account, or the policy, does not allow it",
    "malformed": "one of the values cannot be taken",
    "locked": "the account is locked: mfa-gate accounts unlock gives the attempts back",
    "too_soon": "a limit is reached for now",
    "already_enrolled": "a factor is set up, so no first enrollment is opened",
    "no_contact": "the application has no e-mail address of this person",
    "send_failed": "the message could not be delivered",
    "last_factor": "the policy wants one authenticator at least; mfa-gate accounts reset removes the last one",
    "too_many": "there is no room for one more",
    "frozen": "the person said that something was not them, so nothing changes for a day",
    "store_unavailable": "the store does not answer",
}
"""What to know of a refusal that gives no detail of its own."""


def text_of(refusal: Refusal) -> str:
    """Say why a command was refused. The advice of a page ("go back") is none on a terminal."""
    member = words_of(refusal.reason, refusal.member) if refusal.reason == "malformed" else None
    text = refusal.detail or (member[1] if member else WORDS.get(refusal.reason, refusal.reason.replace("_", " ")))
    return f"{text} (again in {refusal.retry_after} s)" if refusal.retry_after else text


def tell_refusal(args: argparse.Namespace, refusal: Refusal) -> int:
    """Print the reason of a refusal, and return the exit code for the answer no."""
    text = text_of(refusal)
    document = {"reason": refusal.reason, "detail": text, "ref": refusal.ref}
    print(json_text(document) if args.json else plain_lines(f"not done ({refusal.reason}): {text}"))
    return NO
