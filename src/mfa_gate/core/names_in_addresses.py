"""Names in the address of a QR code, which grows with each letter."""

from __future__ import annotations

from urllib.parse import quote

MAX_ISSUER, MAX_ACCOUNT = 54, 60
"""Characters of the names as the address has them; a letter that is no ASCII takes six or nine."""


def shortened(name: str, most: int) -> str:
    """Cut a name to ``most`` characters of an address, at the end of a word if there is one.

    More would make the modules of the QR code too small for many cameras.
    """
    name = name.replace(":", " ")
    if quoted_size(name) <= most:
        return name
    kept = name
    while quoted_size(kept) > most:
        kept = kept[:-1]
    word = kept.rpartition(" ")[0]
    return (word if quoted_size(word) >= most // 2 else kept).rstrip(" ,.-&")


def quoted_size(name: str) -> int:
    """Count the characters of a name as an address has it."""
    return len(quote(name, safe=""))
