"""The query of a JSON call."""

from __future__ import annotations

from urllib.parse import parse_qsl

from ...core.summary import STATUSES
from ..members import BadMember, unknown, wrong
from ..request import PageRequest

MAX_LIMIT = 200
LIMITS = frozenset(str(number) for number in range(1, MAX_LIMIT + 1))


def query_of(request: PageRequest, known: tuple[str, ...] | None = None) -> dict[str, str]:
    """Read the members of the query, each once. One without a value counts as absent.

    ``known`` are those that there may be, None for any. Raises ``BadMember``.
    """
    raw = request.scope.get("query_string", b"")
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError as error:
        raise BadMember(
            "", "The query cannot be read", "Send at most twenty parameters, percent-encoded UTF-8."
        ) from error
    query = dict(pairs)
    for name, _ in pairs:
        if known is not None and name not in known:
            raise unknown(name, dict.fromkeys(known), "query parameter")
    if len(query) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadMember(twice, "A query parameter comes twice", f'"{twice}" comes more than once.')
    query = {name: value for name, value in query.items() if value}
    if query.get("limit", "50") not in LIMITS:
        raise wrong("limit", f"a whole number from 1 to {MAX_LIMIT}")
    if "status" in query and query["status"] not in STATUSES:
        raise wrong("status", f"one of {', '.join(STATUSES)}")
    return query
