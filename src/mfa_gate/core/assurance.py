"""Does this evidence meet what is demanded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .model import Authenticator, Proof
from .policy import Demand


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What the rest may know of a factor; nothing else names a kind.

    ``phishing_resistant``: a success cannot be relayed by another site. ``needs_challenge``: something must be issued
    before an answer makes sense. ``sends``: the channel (``email``, ``sms``, ``voice``, ``push``) a challenge goes out by.
    ``backup``: stands in for another and never counts as enrolled alone. ``typed``: the answer is a code that a person
    types. ``single``: a subject has at most one. ``fetched``: the person's own device can fetch a challenge, so a sender
    is welcome and not needed. ``contact``: which field of the host's contacts it goes to (``email``, ``phone``).
    ``verifies_user``: an authenticator of it can check its user by PIN, face or fingerprint; one that ever did so has
    ``VERIFIED`` in its data. ``quick``: to verify an answer takes a few digests, less than a thread costs; the others are
    verified in threads.
    """

    kind: str
    name: str
    phishing_resistant: bool = False
    needs_challenge: bool = False
    sends: str = ""
    backup: bool = False
    typed: bool = True
    single: bool = False
    fetched: bool = False
    contact: str = ""
    verifies_user: bool = False
    quick: bool = False


TraitsOf = Mapping[str, Traits]

VERIFIED = "uv"
"""The field of an authenticator's data that is true once the authenticator has verified its user."""


def meets(proof: Proof, demand: Demand, now: int) -> bool:
    """Whether ``proof`` is fresh and strong enough. At exactly ``max_age`` it is too old."""
    if now - proof.at >= demand.max_age:
        return False
    if demand.factors_any and proof.factor not in demand.factors_any:
        return False
    if demand.user_verification and not proof.user_verified:
        return False
    return proof.phishing_resistant or not demand.phishing_resistant


def meeting(proofs: Iterable[Proof], demands: tuple[Demand, ...], now: int) -> tuple[Proof, ...]:
    """Pick the proofs that meet all of ``demands``, each proof alone.

    No demand is ever met by one proof and another demand by another one: a fresh weak proof beside an old strong one
    would pass for a fresh strong one.
    """
    joint = demands[0] if len(demands) == 1 else combine(demands, rule="")
    return tuple(proof for proof in proofs if meets(proof, joint, now))


def could_meet(kind: str, demand: Demand, traits: TraitsOf) -> bool:
    """Whether a success with this factor would meet ``demand``, its age aside."""
    known = traits.get(kind)
    if known is None or (demand.factors_any and kind not in demand.factors_any):
        return False
    if demand.user_verification and not known.verifies_user:
        return False
    return known.phishing_resistant or not demand.phishing_resistant


def can_meet(mine: Authenticator, demand: Demand, traits: TraitsOf) -> bool:
    """Tell if a success with this authenticator could meet ``demand``, its age aside.

    A security key without a PIN never verifies its user, whatever others of its kind do. Without this difference its
    owner would be asked for a success that the key cannot give, and could enroll nothing better.
    """
    if demand.user_verification and not mine.data.get(VERIFIED):
        return False
    return could_meet(mine.factor, demand, traits)


def combine(demands: tuple[Demand, ...], *, rule: str) -> Demand:
    """The one demand that meets all of ``demands`` at once: the strictest of each. No factor in common: none will do."""
    factors: tuple[str, ...] = ()
    for demand in demands:
        if demand.factors_any:
            factors = tuple(f for f in demand.factors_any if not factors or f in factors) or ("",)
    return Demand(
        rule=rule,
        max_age=min(demand.max_age for demand in demands),
        factors_any=factors,
        phishing_resistant=any(demand.phishing_resistant for demand in demands),
        user_verification=any(demand.user_verification for demand in demands),
    )
