"""The comparison of proofs and authenticators with a demand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .model import Authenticator, Proof
from .policy import Demand, Requirement, sign_in_could_meet


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """The properties of a factor that the rest of the gate may know.

    No module outside ``factors`` names a kind: it asks for these properties.

    ``phishing_resistant``: another site cannot relay a success. ``needs_challenge``: a challenge must be issued
    before an answer makes sense. ``sends``: the channel by which a challenge goes out (``email``, ``sms``, ``voice``,
    ``push``). ``backup``: it stands in for another factor, and never counts as enrolled alone. ``typed``: the answer
    is a code that a person types. ``single``: a subject has at most one. ``fetched``: the person's own device can
    fetch a challenge, so a sender is useful but not needed. ``contact``: the field of the host's contacts that it
    goes to (``email``, ``phone``). ``verifies_user``: an authenticator of this kind can check its user by PIN, face
    or fingerprint. One that ever did so has ``VERIFIED`` in its data.
    ``quick``: to verify an answer takes a few digests, less than a thread costs. Other kinds are verified in threads.
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
    """Tell if ``proof`` is fresh and strong enough. At exactly ``max_age`` it is too old."""
    if now - proof.at >= demand.max_age:
        return False
    if demand.factors_any and proof.factor not in demand.factors_any:
        return False
    if demand.user_verification and not proof.user_verified:
        return False
    return proof.phishing_resistant or not demand.phishing_resistant


def meeting(proofs: Iterable[Proof], demands: tuple[Demand, ...], now: int) -> tuple[Proof, ...]:
    """Pick the proofs that each meet all of ``demands`` alone.

    Two proofs never meet the demands together. Otherwise a fresh weak proof beside an old strong one would pass for a
    fresh strong one.
    """
    joint = demands[0] if len(demands) == 1 else combine(demands, rule="")
    return tuple([proof for proof in proofs if meets(proof, joint, now)])


def could_meet(kind: str, demand: Demand, traits: TraitsOf) -> bool:
    """Tell if a success with this factor would meet ``demand``, apart from its age."""
    known = traits.get(kind)
    if known is None or (demand.factors_any and kind not in demand.factors_any):
        return False
    if demand.user_verification and not known.verifies_user:
        return False
    return known.phishing_resistant or not demand.phishing_resistant


def can_meet(mine: Authenticator, demand: Demand, traits: TraitsOf) -> bool:
    """Tell if a success with this authenticator could meet ``demand``, apart from its age.

    A security key without a PIN never verifies its user, even if other keys do. Without this difference, its owner
    would be asked for a success that the key cannot give, and could enroll nothing better.
    """
    if demand.user_verification and not mine.data.get(VERIFIED):
        return False
    return could_meet(mine.factor, demand, traits)


def combine(demands: tuple[Demand, ...], *, rule: str) -> Demand:
    """Join ``demands`` into one demand that asks for the strictest part of each.

    ``rule`` is the name of the result. Where the demands have no factor in common, no factor meets the result.
    """
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


def dead_end(requirement: Requirement, traits: TraitsOf) -> Demand | None:
    """Return all demands on a request as one, if nothing could ever meet them; else None.

    The factors and sign-ins that people may use are tried. Its ``rule`` names all of them: one proof must meet them
    together (decision 36).
    """
    demands = requirement.demands
    if not demands:
        return None
    joint = combine(demands, rule=" + ".join(dict.fromkeys(demand.rule for demand in demands)))
    if any(could_meet(kind, joint, traits) for kind in requirement.factors):
        return None
    return None if sign_in_could_meet(requirement.rules.freshness, joint) else joint
