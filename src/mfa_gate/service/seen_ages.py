"""Remember how old a proof was when it was refused: no clock makes it younger.

The account's own mark (``seen_at``) moves only when the account is written, and a refusal writes nothing. To move it there
would be wrong, too: with a clock that jumps ahead for a minute, everybody who comes in that minute would have a mark that is
far ahead, and no code would be taken from them (F-16). So each worker remembers what it has refused.
"""

from __future__ import annotations

from collections import OrderedDict

from ..core.evidence import UPSTREAM, Evidence, is_overdue
from ..core.model import Proof, SubjectKey, replace

MAX_SEEN = 10_000
Seen = tuple[SubjectKey, str, str, int]


class SeenAges:
    """The latest time at which each refused proof was looked at (S-118, F-15).

    ``latest`` is the latest of these times. Until the clock is behind it, no proof is older than it looks.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[Seen, int] = OrderedDict()
        self.latest = 0

    def note(self, evidence: Evidence, now: int) -> None:
        """Note proofs that were too old for something at ``now`` (UTC seconds).

        While the clock is behind, ``aged`` has noted them already.
        """
        proofs = (*evidence.proofs, *evidence.overdue)
        if now < self.latest or not proofs:
            return
        self.latest = now
        for proof in proofs:
            self._keep(_name(evidence, proof), now)

    def aged(self, evidence: Evidence, now: int) -> Evidence:
        """Return the evidence with each proof at least as old as it was when it was noted.

        A clock that has jumped far ahead and back is behind for long, and may step back once more. So while it is behind,
        each proof that is looked at is noted.
        """
        clock, now = now, max(now, evidence.account.seen_at)
        aged = [self._aged(evidence, proof, clock, now) for proof in (*evidence.proofs, *evidence.overdue)]
        return replace(
            evidence,
            proofs=tuple([proof for proof in aged if not is_overdue(proof, now)]),
            overdue=tuple([proof for proof in aged if is_overdue(proof, now)]),
        )

    def _aged(self, evidence: Evidence, proof: Proof, clock: int, now: int) -> Proof:
        mine = _name(evidence, proof)
        at = max(clock, self._seen.get(mine, 0))
        self._keep(mine, at)
        return replace(proof, at=proof.at - max(0, at - now))

    def _keep(self, name: Seen, at: int) -> None:
        self._seen[name] = at
        self._seen.move_to_end(name)
        while len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)


def _name(evidence: Evidence, proof: Proof) -> Seen:
    """Name a proof. One by a sign-in elsewhere is of no browser of ours."""
    handle = "" if proof.factor == UPSTREAM else evidence.handle
    return evidence.account.key, handle, proof.authenticator, proof.at
