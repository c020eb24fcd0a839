"""Backup codes: a set of codes on paper, each good once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..core.assurance import Traits
from ..core.model import Challenge, Fields
from ..core.rules import ResendRules, Rules
from .base import Accepted, Context, Draft, Issue, Rejected
from .codes import MAX_TYPED

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without I, L, O and U (Crockford's base 32): five bits a character."""
LENGTH = 10
PURPOSE = "backup-code"
_READ_AS = str.maketrans("ILO", "110")


class BackupCode:
    """``backup-code``. Data: digests of the codes that are left, and of those that were used."""

    traits = Traits(kind="backup-code", name="Backup codes", backup=True, single=True)
    sealed: Mapping[str, str] = {"kept": "kept"}

    def draft(self, context: Context, /, *, phone: str = "", region: str = "") -> Draft | Rejected:
        """A new set; only the keyed digests are kept."""
        codes = self._codes(context)
        digests = [context.keyring.digest(PURPOSE, context.key.tenant, context.key.id, code) for code in codes]
        return Draft(data={"left": digests, "used": []}, label="Backup codes")

    def show(self, context: Context, data: Fields, /) -> Mapping[str, str]:
        """The codes of the set drawn in this very context, to be shown once."""
        codes = self._codes(context)
        return {"codes": " ".join(f"{code[:5]}-{code[5:]}" for code in codes)}

    def hint(self, context: Context, data: Fields, /) -> str:
        """How many are left."""
        return "0" if self._is_void(context) else str(len(_texts(data["left"])))

    def limits(self, rules: Rules, /) -> ResendRules | None:
        """Nothing is sent."""
        return None

    def issue(self, context: Context, data: Fields, /) -> Issue | Rejected | None:
        """The codes are on paper already."""
        return None

    def read(self, response: object, rules: Rules, /) -> object | None:
        """Ten characters of the alphabet in any case and spacing; I and L are read as 1, O as 0."""
        if not isinstance(response, str) or len(response) > MAX_TYPED or not response.isascii():
            return None
        text = "".join(char for char in response.upper() if char not in " -\t.").translate(_READ_AS)
        return text if len(text) == LENGTH and all(char in ALPHABET for char in text) else None

    def verify(
        self, context: Context, /, *, data: Fields, challenges: Sequence[Challenge], response: object
    ) -> Accepted | Rejected:
        """A code that is left counts once and moves to the used ones (S-92); none of a void set does, and that is no guess.

        Raises ``keyring.Unopened`` where nothing matches and the set was made with a key that is not listed.
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
        """Whether the subject's set is of before the store was replaced by an older copy, which cannot know the codes that
        were used since (S-123)."""
        made_at = [known.created_at for known in context.known if known.factor == self.traits.kind]
        return bool(made_at) and max(made_at) <= context.used_until

    def _codes(self, context: Context) -> list[str]:
        raw = context.draw("backup", context.rules.factors.backup_code.count * LENGTH)
        chars = "".join(ALPHABET[byte % len(ALPHABET)] for byte in raw)
        return [chars[at : at + LENGTH] for at in range(0, len(chars), LENGTH)]


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else []
