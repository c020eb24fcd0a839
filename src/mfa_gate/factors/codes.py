"""Codes that people type and codes that are sent: read, make, store and match them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from ..core.model import Challenge, Fields
from ..core.rules import CodeRules, SendsCode
from .base import Accepted, CodeShape, Context, Delivery, Issue, Rejected

MAX_TYPED = 256
"""Characters of a typed text that is read. A whole text message of ours fits, so that it can be pasted (U-3)."""
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without I, L, O and U (Crockford's base 32): five bits a character."""
_UNSEEN = ("Cf", "Mn", "Me")
"""Categories of characters that are not seen, or only change the look of the one before them, as emoji do with a digit."""
_MINUS = "\u2212"
_NONE = ""


def read_digits(response: object, digits: int) -> str | None:
    """Read the ``digits`` ASCII digits that a person meant; None for anything else.

    Any Unicode decimal digit counts; blanks, hyphens, dots, invisible characters and a leading # are dropped. From a
    pasted message the code is taken that its last line repeats for phones, else the only one of that many digits; it may
    stand there twice. Anything that is no text, or longer than 256 characters, is malformed (S-38, S-61).
    """
    text = visible(response)
    if text is None:
        return None
    if len(text) == digits and text.isascii() and text.isdecimal():
        return text
    text = "".join(map(_digit, text.strip().removeprefix("#").strip()))
    plain = "".join(char for char in text if not is_separator(char))
    if re.fullmatch(rf"[0-9]{{{digits}}}", plain):
        return plain
    runs: list[str] = re.findall(rf"(?<![0-9])[0-9]{{{digits}}}(?![0-9])", text)
    for_phones = re.search(rf"^@\S+ #([0-9]{{{digits}}})$", text, re.MULTILINE)
    if for_phones and runs.count(for_phones[1]) > 1:
        return for_phones[1]
    if len(set(runs)) != 1:
        return None
    code = runs.pop()
    has_words = any(char.isalpha() for char in text)
    return code if has_words or all(is_punctuation(char) for char in text.replace(code, "", 1)) else None


def visible(response: object) -> str | None:
    """Read typed text without its invisible characters.

    None for anything that is no text, or too long.
    """
    if not isinstance(response, str) or len(response) > MAX_TYPED:
        return None
    return response if response.isascii() else "".join(c for c in response if unicodedata.category(c) not in _UNSEEN)


def is_separator(char: str) -> bool:
    """Tell a blank, hyphen or dot, by which people group the characters of a code."""
    return char.isspace() or char in (".", _MINUS) or unicodedata.category(char) == "Pd"


def is_punctuation(char: str) -> bool:
    """Tell a mark that text has around a code, such as a bracket, or inside of it."""
    return is_separator(char) or unicodedata.category(char)[0] == "P"


def _digit(char: str) -> str:
    """Read a decimal digit (category Nd); a superscript is none (S-60)."""
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)


def code_shape(rules: CodeRules) -> CodeShape:
    """Describe a code that is sent."""
    return CodeShape(length=rules.digits, valid=rules.live, ttl=rules.ttl, option=("code",))


def make_code(context: Context, digits: int) -> str:
    """Make a uniform code of ``digits`` digits, leading zeros kept (S-43).

    The bias of 128 bits is below 2^-100.
    """
    return str(int.from_bytes(context.draw("code", 16)) % 10**digits).zfill(digits)


def code_digest(context: Context, code: str) -> str:
    """Make the digest of a code that is stored (S-46, S-49).

    It is an HMAC over subject, tenant, purpose and code.
    """
    return context.keyring.digest("code", context.key.tenant, context.key.id, context.purpose, code)


def issue_code(context: Context, code: str, rules: CodeRules, delivery: Delivery) -> Issue:
    """Make a challenge that the sent ``code`` answers."""
    return Issue(data={"code": code_digest(context, code)}, ttl=rules.ttl, live=rules.live, delivery=delivery)


def verify_code(
    context: Context, data: Fields, challenges: Sequence[Challenge], response: object
) -> Accepted | Rejected:
    """Accept any live code of this purpose.

    Spent and expired ones are recognized while they are kept, and cost nothing. Where another application issued it under
    a policy of its own, the stricter of the two lives ends it (F-39). Raises ``keyring.Unopened`` where nothing matches and
    one of them was made with a key that is not listed.
    """
    code = str(response)
    parts = (context.key.tenant, context.key.id, context.purpose, code)
    matching = [c for c in challenges if context.keyring.matches("code", str(c.data.get("code", _NONE)), *parts)]
    for challenge in matching:
        is_live = challenge.is_live(context.now, context.seen_at)
        if is_live and context.now < challenge.issued_at + _life_of(context, challenge):
            return Accepted(data=data, target=challenge.target, challenge=challenge.id)
    if any(challenge.spent_at for challenge in matching):
        return Rejected(reason="code_already_used", free=True)
    if not matching:
        context.keyring.require(str(c.data.get("code", _NONE)) for c in challenges)
    return Rejected(reason="code_expired", free=True) if matching else Rejected(reason="wrong_code")


def _life_of(context: Context, challenge: Challenge) -> int:
    """Give the seconds that a code of this factor lives by our own policy."""
    options = context.rules.factors.options.get(challenge.factor)
    return options.code.ttl if isinstance(options, SendsCode) else challenge.expires_at - challenge.issued_at


def masked_email(address: str) -> str:
    """Mask an address as ``u•••@e•••.example``.

    The first letter of the mailbox and of the domain, and the domain's last label are kept.
    """
    mailbox, at, domain = address.rpartition("@")
    name, dot, last = domain.rpartition(".")
    if not at or not dot:
        return f"{mailbox[:1]}•••@{domain[:1] if at else ''}•••"
    return f"{mailbox[:1]}•••@{name[:1]}•••.{last}"


def masked_phone(number: str) -> str:
    """Mask a number as ``(•••) •••-••01``: its last two digits are kept."""
    return f"(•••) •••-••{number[-2:]}"
