"""Compare a measurement with the list of reasons.

``python -m tests.unreached coverage.json``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .places import faults_of, places_of, room_of, rows_of, shares_of

LIST = Path(__file__).with_name("reasons.txt")
PACKAGE = Path(__file__).parents[2] / "src" / "mfa_gate"


def main(measured: str) -> int:
    """Print the share of each room, and every fault. Returns 1 if there is one."""
    files = {
        Path(name).resolve().relative_to(PACKAGE).as_posix(): found
        for name, found in json.loads(Path(measured).read_text())["files"].items()
        if Path(name).resolve().is_relative_to(PACKAGE)
    }
    places = [
        place
        for path, found in files.items()
        if room_of(path)
        for place in places_of(path, (PACKAGE / path).read_text().splitlines(), found)
    ]
    rows, shares = rows_of(LIST.read_text()), shares_of(files)
    for room, share in shares.items():
        left = [place for place in places if room_of(place.path) == room]
        listed = sum(any(row.covers(place) for row in rows) for place in left)
        print(f"{room:12} {share:6.2f} % of the branches; {len(left)} places left, {listed} of them with a reason")
    faults = faults_of(shares, places, rows)
    print(*faults, sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
