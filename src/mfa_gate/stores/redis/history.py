"""The operations that made the latest versions of a row, as the row lists them.

The scripts write the list (``scripts``).
"""

from __future__ import annotations

from collections.abc import Iterable

PUT_BACK, ONLY_PUTS_BACK = "+", "="


class History:
    """A row's operations, oldest first.

    A version's number can come again after a loss. An operation's name never does.
    """

    __slots__ = ("_words", "text", "version")

    def __init__(self, text: str) -> None:
        """Read the text that a script wrote: ``"<version> <operation> ..."``.

        The text is "" if there is no row.
        """
        self.text = text
        version, _, words = text.partition(" ")
        self.version = int(version) if version.isdecimal() else 0
        self._words = tuple(words.split())

    def __contains__(self, operation: object) -> bool:
        return any(word.lstrip("+=") == operation for word in self._words)

    def has_put_back(self, operation: str) -> bool:
        """Tell whether the operation was lost, and is here because somebody put it back."""
        return PUT_BACK + operation in self._words

    def operations(self) -> tuple[str, ...]:
        """List all of them by their plain names."""
        return tuple(word.lstrip("+=") for word in self._words)

    def reaches(self, version: int) -> bool:
        """Tell whether the operation that made ``version`` must be here."""
        own = sum(not word.startswith(PUT_BACK) for word in self._words)
        return self.version - own < version <= self.version

    def adds_nothing_to(self, known: Iterable[str]) -> bool:
        """Tell whether the row is as one of ``known`` left it, or as somebody put that back."""
        base = next((word for word in reversed(self._words) if not word.startswith(ONLY_PUTS_BACK)), "")
        return not self._words or base.lstrip(PUT_BACK) in set(known)

    def version_shared_with(self, known: Iterable[str]) -> int:
        """Return the latest version that an operation in ``known`` made, or 0."""
        names, version = set(known), self.version
        for word in reversed(self._words):
            if word.startswith(PUT_BACK):
                continue
            if word.lstrip("=") in names:
                return version
            version -= 1
        return 0
