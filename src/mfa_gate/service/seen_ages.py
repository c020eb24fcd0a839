"""Remember how old a proof was when it was refused: no clock makes it younger.

The account's own mark (``seen_at``) moves only when the account is written, and a refusal writes nothing. To move it there
would be wrong, too: with a clock that jumps ahead for a minute, everybody who comes in that minute would have a mark that is
far ahead, and no code would be taken from them (F-16). So each worker remembers what it has refused.
"""

from __future__ import annotations

from collections import OrderedDict

from ..core.evidence import Evidence
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
        """Note that these proofs were not enough at ``now`` (UTC seconds).

        While the clock is behind, the proofs are those of ``aged``, and nothing new is to be learned from them.
        """
        if now < self.latest:
            return
        self.latest = now
        for proof in evidence.proofs:
            mine = _name(evidence, proof)
            self._seen[mine] = now
            self._seen.move_to_end(mine)
        while len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)

    def aged(self, evidence: Evidence, now: int) -> Evidence:
        """Return the evidence with each proof at least as old as it was when it was refused."""
        now = max(now, evidence.account.seen_at)
        proofs = tuple(
            [replace(p, at=p.at - max(0, self._seen.get(_name(evidence, p), 0) - now)) for p in evidence.proofs]
        )
        return replace(evidence, proofs=proofs)


def _name(evidence: Evidence, proof: Proof) -> Seen:
    return evidence.account.key, evidence.handle, proof.authenticator, proof.at
