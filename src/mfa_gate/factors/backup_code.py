"""Backup codes: a set of codes on paper, each good once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from ..core.assurance import Traits
from ..core.model import Challenge, Fields
from ..core.options import number, option
from ..core.rules import ResendRules, Rules
from .base import Accepted, CodeShape, Context, Draft, Issue, Rejected, options_in
from .codes import ALPHABET, is_separator, visible
from .optional_parts import OptionFault

LENGTH = 10
PURPOSE = "backup-code"
_READ_AS = str.maketrans("ILO", "110")
_IN_A_LINE = re.compile(rf"(?<![0-9A-Z-])([{ALPHABET}]{{5}})-([{ALPHABET}]{{5}})(?![0-9A-Z-])")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupCodeRules:
    """``[factors.backup-code]``."""

    count: int = option(10, number(1, 20, "lower"), "Codes in a set.")
    warn_at: int = option(3, number(0, 20), "Codes left at which a person is warned.")


class BackupCode:
    """Check ``backup-code``. Data: digests of the codes that are left, and of the used ones."""

    traits = Traits(kind="backup-code", name="Backup codes", backup=True, single=True, quick=True)
    options = BackupCodeRules
    template = files("mfa_gate.factors").joinpath("backup_code.html")
    about = "Printed codes, each good for one use, that stand in for another factor."
    sealed: Mapping[str, str] = {"kept": "kept"}

    def code(self, rules: Rules, data: Fields | None = None, /) -> CodeShape | None:
        """Describe ten letters and digits."""
        return CodeShape(length=LENGTH, letters=True)

    def stock(self, rules: Rules, /) -> tuple[int, int]:
        """Read ``count`` and ``warn_at``."""
        own = _rules(rules)
        return own.count, own.warn_at

    def option_faults(self, rules: Rules, /) -> Sequence[OptionFault]:
        """Refuse a warning that would come at once."""
        count, warn_at = self.stock(rules)
        if warn_at < count:
            return ()
        text = f"{warn_at} is not less than count = {count}: everybody would be warned at once"
        return (OptionFault(key=("warn_at",), other=("count",), text=text),)

    def draft(self, context: Context, /, *, phone: str = "", region: str = "") -> Draft | Rejected:
        """Draw a new set; only the keyed digests are kept."""
        codes = self._codes(context)
        digests = [context.keyring.digest(PURPOSE, context.key.tenant, context.key.id, code) for code in codes]
        return Draft(data={"left": digests, "used": []}, label="Backup codes")

    def show(self, context: Context, data: Fields, /) -> Mapping[str, str]:
        """Give the codes of the set drawn in this very context, to be shown once."""
        codes = self._codes(context)
        return {"codes": " ".join(f"{code[:5]}-{code[5:]}" for code in codes)}

    def hint(self, context: Context, data: Fields, /) -> str:
        """Count the codes that are left."""
        return "0" if self._is_void(context) else str(len(_texts(data["left"])))

    def limits(self, rules: Rules, /) -> ResendRules | None:
        """Set no limit: nothing is sent."""
        return None

    def issue(self, context: Context, data: Fields, /) -> Issue | Rejected | None:
        """Issue nothing: the codes are on paper already."""
        return None

    def read(self, response: object, rules: Rules, /) -> object | None:
        """Read ten characters of the alphabet in any case and spacing.

        I and L are read as 1, O as 0. From a pasted line of the list its only code with a hyphen is taken.
        """
        text = visible(response)
        if text is None:
            return None
        text = text.upper().translate(_READ_AS)
        plain = "".join(char for char in text if not is_separator(char))
        if len(plain) == LENGTH and all(char in ALPHABET for char in plain):
            return plain
        found = set(_IN_A_LINE.findall(text))
        return "".join(found.pop()) if len(found) == 1 else None

    def verify(
        self, context: Context, /, *, data: Fields, challenges: Sequence[Challenge], response: object
    ) -> Accepted | Rejected:
        """Accept a code that is left, once, and move it to the used ones (S-92).

        No code of a void set counts; that is no guess. Raises ``keyring.Unopened`` where nothing matches and the set was made
        with a key that is not listed.
        """
        parts = (context.key.tenant, context.key.id, str(response))
        left, used = _texts(data["left"]), _texts(data["used"])
        matching = [digest for digest in left if context.keyring.matches(PURPOSE, digest, *parts)]
        if matching and self._is_void(context):
            return Rejected(reason="code_expired", free=True)
        if matching:
            rest = [digest for digest in left if digest not in matching]
            return Accepted(data={"left": rest, "used": [*used, *matching]})
        if any(context.keyring.matches(PURPOSE, digest, *parts) for digest in used):
            return Rejected(reason="code_already_used", free=True)
        context.keyring.require((*left, *used))
        return Rejected(reason="wrong_code")

    def _is_void(self, context: Context) -> bool:
        """Check if the set is older than an accepted copy of the store (S-123).

        Such a copy cannot know the codes that were used since.
        """
        made_at = [known.created_at for known in context.known if known.factor == self.traits.kind]
        return bool(made_at) and max(made_at) <= context.used_until

    def _codes(self, context: Context) -> list[str]:
        raw = context.draw("backup", _rules(context.rules).count * LENGTH)
        chars = "".join(ALPHABET[byte % len(ALPHABET)] for byte in raw)
        return [chars[at : at + LENGTH] for at in range(0, len(chars), LENGTH)]


def _rules(rules: Rules) -> BackupCodeRules:
    return options_in(rules, BackupCode.traits.kind, BackupCodeRules)


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else []
