"""The bounds that every change of an account keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeVar

from ..codec import encode
from ..model import (
    MAX_ACCEPTANCES,
    MAX_AUTHENTICATOR_BYTES,
    MAX_BROWSERS,
    MAX_BYTES,
    MAX_CLIENTS,
    MAX_CODES,
    MAX_ENROLLMENTS,
    MAX_ENROLLMENTS_OF_ALL,
    MAX_FREE_SENDS,
    MAX_LOGINS,
    MAX_OTHER_CHALLENGES,
    MAX_OTHERS_OF_ALL,
    MAX_PROOFS_PER_NETWORK,
    MAX_SIGN_OUTS,
    MAX_SKIPS,
    MAX_UNCOUNTED,
    Account,
    Authenticator,
    Browser,
    Challenge,
    Enrollment,
    Proof,
    Sent,
    replace,
)
from ..rules import DAY
from .base import KEEP_PROOFS, TWIN_LIFE

C = TypeVar("C", Challenge, Enrollment)
KEEP_DEAD = 7200
"""At most how long, in seconds, an ended code is kept so that it is told apart from a wrong one (U-10)."""
COPY = ("kept", "kept_until")
"""What fresh backup codes are shown again from, for a quarter of an hour."""


def tidy(account: Account, now: int) -> Account:
    """The account within its bounds: what is dead long enough goes first, then the oldest."""
    tidied = replace(
        account,
        seen_at=now,
        authenticators=tuple(_without_old_copy(a, now) for a in account.authenticators),
        challenges=_bounded_challenges(account, now),
        enrollments=_fairly(
            [e for e in account.enrollments if now < e.expires_at],
            known_handles(account),
            each=MAX_ENROLLMENTS,
            of_all=MAX_ENROLLMENTS_OF_ALL,
        ),
        replaced=tuple(e for e in account.replaced if now < e.expires_at)[-MAX_ENROLLMENTS:],
        browsers=kept_browsers(tuple(_without_old_twin(b, now) for b in account.browsers), account.epoch, now),
        sent=_bounded_sends(account.sent, now),
        skips=account.skips[-MAX_SKIPS:],
        ticket=account.ticket if account.ticket and now < account.ticket.expires_at else None,
        acceptances=account.acceptances[-MAX_ACCEPTANCES:],
        logins=account.logins[-MAX_LOGINS:],
        uncounted=account.uncounted[-MAX_UNCOUNTED:],
        drifted=account.drifted[-MAX_UNCOUNTED:],
        sign_outs=tuple(item for item in account.sign_outs if now - item[1] < DAY)[-MAX_SIGN_OUTS:],
    )
    while len(encode(tidied)) > MAX_BYTES:
        smaller = _less(tidied, now)
        if smaller is tidied:
            break
        tidied = smaller
    return tidied


def _bounded_sends(sent: tuple[Sent, ...], now: int) -> tuple[Sent, ...]:
    """The sends of a day; of those that no day's limit counts, as many as the largest window may hold (policy: 20)."""
    if not sent:
        return sent
    free = [s for s in sent if s.free][:-MAX_FREE_SENDS]
    return tuple(s for s in sent if now - max(s.at, s.mark) < DAY and s not in free)


def has_old_copy(authenticator: Authenticator, now: int) -> bool:
    """Whether a readable copy of fresh backup codes is still kept although its time is over (S-92)."""
    kept_until = authenticator.data.get("kept_until")
    return isinstance(kept_until, int) and now >= kept_until


def without_copy(authenticator: Authenticator) -> Authenticator:
    """The authenticator without the copy that was kept to show fresh backup codes again."""
    data = {name: value for name, value in authenticator.data.items() if name not in COPY}
    return replace(authenticator, data=data)


def _without_old_copy(authenticator: Authenticator, now: int) -> Authenticator:
    return without_copy(authenticator) if has_old_copy(authenticator, now) else authenticator


def breaks_bound(account: Account, added: Authenticator) -> bool:
    """Whether one more authenticator would make the account too large: nothing that others need is dropped for it."""
    more = replace(account, authenticators=(*account.authenticators, added))
    alone = Account(key=account.key, authenticators=more.authenticators)
    return len(encode(alone)) > MAX_AUTHENTICATOR_BYTES or len(encode(more)) > MAX_BYTES


def _less(account: Account, now: int) -> Account:
    """The account without what is missed least: an ended challenge, else the browser that was used longest ago."""
    dead = [c for c in account.challenges if not _lives(c, now)]
    if dead:
        return replace(account, challenges=tuple(c for c in account.challenges if c is not dead[0]))
    if len(account.browsers) > 1:
        oldest = min(account.browsers, key=lambda b: b.last_used_at)
        return replace(account, browsers=tuple(b for b in account.browsers if b is not oldest))
    return account


def _since(challenge: Challenge) -> int:
    return max(challenge.issued_at, challenge.mark)


def _age(challenge: Challenge, now: int) -> int:
    return now - _since(challenge)


def _lives(challenge: Challenge, now: int) -> bool:
    return not challenge.spent_at and _age(challenge, now) < challenge.expires_at - challenge.issued_at


def _without_old_twin(browser: Browser, now: int) -> Browser:
    return replace(browser, twin=None) if browser.twin and now - browser.twin.at >= TWIN_LIFE else browser


def kept_browsers(
    browsers: tuple[Browser, ...], epoch: int, now: int, *, max_age: int = KEEP_PROOFS
) -> tuple[Browser, ...]:
    """Keep as many browsers as there is room for.

    A proof older than ``max_age`` seconds counts for nothing.
    """
    while len(browsers) > MAX_BROWSERS:
        browsers = _without_least(browsers, epoch, now, max_age)
    return browsers


def _without_least(browsers: tuple[Browser, ...], epoch: int, now: int, max_age: int) -> tuple[Browser, ...]:
    """Take away the row that is missed least, never the newest one.

    A row without a proof that counts goes first, then a client without cookies where those have more than their share.
    Then, of the rows that look most alike (kind and label), the longest unused. A script that proves itself anew at each
    run leaves a row at each run; those rows push out each other, and not the browser of the script's owner.
    """
    alike = Counter((b.kind, b.label) for b in browsers)
    clients = sum(b.kind == "client" for b in browsers)

    def worth(browser: Browser) -> tuple[bool, bool, int, int]:
        counts = any(p.epoch == epoch and now - p.at < max_age for p in browser.proofs)
        has_share = browser.kind != "client" or clients <= MAX_CLIENTS
        return counts, has_share, -alike[browser.kind, browser.label], browser.last_used_at

    newest = max(browsers, key=lambda b: b.last_used_at)
    least = min((b for b in browsers if b is not newest), key=worth)
    return tuple(b for b in browsers if b is not least)


def known_handles(account: Account) -> frozenset[str]:
    """List the handles of browsers that have shown more than the password.

    They did by a proof, or by leave to enroll.
    """
    leave = (account.leave.browser,) if account.leave else ()
    return frozenset((*(b.handle for b in account.browsers), *leave)) - {""}


def _fairly(items: Sequence[C], known: frozenset[str], *, each: int, of_all: int) -> tuple[C, ...]:
    """Keep ``each`` of ``items`` for a browser, and ``of_all`` of them.

    ``items`` are in the order of their time. A browser drops its own oldest first. Where there are too many of all,
    whoever has the most loses the oldest, and of equals the browser that has shown no more than the password. The newest
    stays, or its caller would hold an answer to nothing.
    """
    kept = [item for at, item in enumerate(items) if sum(o.browser == item.browser for o in items[at:]) <= each]
    while len(kept) > of_all:
        count = Counter(item.browser for item in kept)
        kept.remove(min(kept[:-1], key=lambda item: (-count[item.browser], item.browser in known)))
    return tuple(kept)


def _bounded_challenges(account: Account, now: int) -> tuple[Challenge, ...]:
    if not account.challenges:
        return account.challenges
    known = known_handles(account)
    kept = [c for c in account.challenges if _age(c, now) < min(KEEP_DEAD, 8 * (c.expires_at - c.issued_at))]
    kept.sort(key=_since)
    bounded: list[Challenge] = []
    for is_code, each, of_all in ((True, MAX_CODES, MAX_CODES), (False, MAX_OTHER_CHALLENGES, MAX_OTHERS_OF_ALL)):
        mine = [c for c in kept if ("code" in c.data) == is_code]
        live = _fairly([c for c in mine if _lives(c, now)], known, each=each, of_all=of_all)
        dead = [c for c in mine if not _lives(c, now)]
        bounded += [*dead[max(0, len(dead) + len(live) - each) :], *live]
    return tuple(sorted(bounded, key=_since))


def add_proof(proofs: Iterable[Proof], proof: Proof, *, networks: int, now: int) -> tuple[Proof, ...]:
    """``proof`` with the others that still count: of each network the latest few, one a factor; the oldest network goes."""
    current = [p for p in proofs if p.epoch == proof.epoch and now - p.at < KEEP_PROOFS]
    kept = [p for p in current if (p.network, p.factor) != (proof.network, proof.factor)]
    kept = sorted([*kept, proof], key=lambda p: p.at)
    latest: dict[str, int] = {p.network: p.at for p in kept}
    allowed = sorted(latest, key=lambda n: (latest[n], n == proof.network))[-networks:]
    result: list[Proof] = []
    for network in allowed:
        result += [p for p in kept if p.network == network][-MAX_PROOFS_PER_NETWORK:]
    return tuple(sorted(result, key=lambda p: p.at))
