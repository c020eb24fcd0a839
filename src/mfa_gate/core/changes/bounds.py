"""The bounds that every change of an account keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

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
"""The longest time, in seconds, that an ended code is kept, to tell it apart from a wrong one (U-10)."""
COPY = ("kept", "kept_until")
"""The fields with the readable copy of fresh backup codes, which can be shown again for a quarter of an hour."""

_MOST = {
    "skips": MAX_SKIPS,
    "acceptances": MAX_ACCEPTANCES,
    "logins": MAX_LOGINS,
    "uncounted": MAX_UNCOUNTED,
    "drifted": MAX_UNCOUNTED,
}
"""The parts of which the latest few are kept, however old they are."""


def tidy(account: Account, now: int) -> Account:
    """Cut the account to its bounds.

    Parts that ended long ago go first, then the oldest ones. An account has few of the parts, and only those are cut.
    """
    cut: dict[str, Any] = {"seen_at": now}
    if any(has_old_copy(a, now) for a in account.authenticators):
        cut["authenticators"] = tuple(_without_old_copy(a, now) for a in account.authenticators)
    if account.challenges:
        cut["challenges"] = _bounded_challenges(account, now)
    if account.enrollments:
        cut["enrollments"] = _fairly(
            [e for e in account.enrollments if now < e.expires_at],
            known_handles(account),
            each=MAX_ENROLLMENTS,
            of_all=MAX_ENROLLMENTS_OF_ALL,
        )
    if account.replaced:
        cut["replaced"] = tuple(e for e in account.replaced if now < e.expires_at)[-MAX_ENROLLMENTS:]
    if account.browsers:
        browsers = tuple([_without_old_twin(b, now) for b in account.browsers])
        cut["browsers"] = kept_browsers(browsers, account.epoch, now)
    if account.sent:
        cut["sent"] = _bounded_sends(account.sent, now)
    if account.ticket and now >= account.ticket.expires_at:
        cut["ticket"] = None
    if account.asked and now - account.asked.asked_at > DAY:
        cut["asked"] = None
    if account.sign_outs:
        cut["sign_outs"] = _bounded_sign_outs(account, now)
    for part, most in _MOST.items():
        if len(items := getattr(account, part)) > most:
            cut[part] = items[-most:]
    tidied = replace(account, **cut)
    while len(encode(tidied)) > MAX_BYTES:
        smaller = _less(tidied, now)
        if smaller is tidied:
            break
        tidied = smaller
    return tidied


def _bounded_sign_outs(account: Account, now: int) -> tuple[tuple[str, int], ...]:
    """Keep the sign-outs of a day, and those that are later than a proof that is kept (S-20)."""
    oldest = min([proof.at for browser in account.browsers for proof in browser.proofs], default=now)
    return tuple([item for item in account.sign_outs if now - item[1] < DAY or item[1] >= oldest])[-MAX_SIGN_OUTS:]


def _bounded_sends(sent: tuple[Sent, ...], now: int) -> tuple[Sent, ...]:
    """Keep the sends of one day, and at most ``MAX_FREE_SENDS`` of the free ones.

    The day's limit does not count free sends. The largest window that a policy can set holds 20 of them.
    """
    free = [s for s in sent if s.free][:-MAX_FREE_SENDS]
    return tuple(s for s in sent if now - max(s.at, s.mark) < DAY and s not in free)


def has_old_copy(authenticator: Authenticator, now: int) -> bool:
    """Tell if a readable copy of backup codes is still kept after its time is over (S-92)."""
    kept_until = authenticator.data.get("kept_until")
    return isinstance(kept_until, int) and now >= kept_until


def without_copy(authenticator: Authenticator) -> Authenticator:
    """Return the authenticator without the readable copy of fresh backup codes."""
    data = {name: value for name, value in authenticator.data.items() if name not in COPY}
    return replace(authenticator, data=data)


def _without_old_copy(authenticator: Authenticator, now: int) -> Authenticator:
    return without_copy(authenticator) if has_old_copy(authenticator, now) else authenticator


def breaks_bound(account: Account, added: Authenticator) -> bool:
    """Tell if one more authenticator would make the account too large.

    Such an authenticator is refused, so that nothing else is dropped to make room for it.
    """
    more = replace(account, authenticators=(*account.authenticators, added))
    alone = Account(key=account.key, authenticators=more.authenticators)
    return len(encode(alone)) > MAX_AUTHENTICATOR_BYTES or len(encode(more)) > MAX_BYTES


def _less(account: Account, now: int) -> Account:
    """Drop the least useful part: an ended challenge, else the browser unused for longest.

    Returns ``account`` itself where neither can go.
    """
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

    A browser with no proof younger than ``max_age`` seconds goes first.
    """
    while len(browsers) > MAX_BROWSERS:
        browsers = _without_least(browsers, epoch, now, max_age)
    return browsers


def _without_least(browsers: tuple[Browser, ...], epoch: int, now: int, max_age: int) -> tuple[Browser, ...]:
    """Remove the least useful browser, never the newest one.

    A browser without a proof that counts goes first, then a client without cookies where those have more than their
    share. Then, of the browsers that look most alike (kind and label), the one unused for longest. A script that proves
    itself anew at each run adds a browser at each run. Those push out each other, and not the browser of the script's
    owner.
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
    """Return the handles of the browsers that have shown more than the password.

    They have a proof, or the leave to enroll.
    """
    leave = (account.leave.browser,) if account.leave else ()
    return frozenset((*(b.handle for b in account.browsers), *leave)) - {""}


def _fairly(items: Sequence[C], known: frozenset[str], *, each: int, of_all: int) -> tuple[C, ...]:
    """Keep at most ``each`` of ``items`` for one browser, and at most ``of_all`` together.

    ``items`` are in the order of their time. A browser loses its own oldest first. Where there are too many together,
    the browser with the most loses its oldest. Between equals, a browser outside ``known`` (it has shown no more than
    the password) loses first. The newest item always stays, or its caller could not answer it.
    """
    kept = [item for at, item in enumerate(items) if sum(o.browser == item.browser for o in items[at:]) <= each]
    while len(kept) > of_all:
        count = Counter(item.browser for item in kept)
        kept.remove(min(kept[:-1], key=lambda item: (-count[item.browser], item.browser in known)))
    return tuple(kept)


def _bounded_challenges(account: Account, now: int) -> tuple[Challenge, ...]:
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
    """Add ``proof`` to the proofs of a browser that still count.

    Keeps one proof of each factor and network, the latest few of each network, and the latest ``networks`` networks.
    """
    current = [p for p in proofs if p.epoch == proof.epoch and now - p.at < KEEP_PROOFS]
    kept = [p for p in current if (p.network, p.factor) != (proof.network, proof.factor)]
    kept = sorted([*kept, proof], key=lambda p: p.at)
    latest: dict[str, int] = {p.network: p.at for p in kept}
    allowed = sorted(latest, key=lambda n: (latest[n], n == proof.network))[-networks:]
    result: list[Proof] = []
    for network in allowed:
        result += [p for p in kept if p.network == network][-MAX_PROOFS_PER_NETWORK:]
    return tuple(sorted(result, key=lambda p: p.at))
