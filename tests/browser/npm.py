"""Scripts of front ends, as npm has them."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path


def from_npm(root: Path, package: str, version: str, file: str) -> bytes:
    """A file of a package, which is fetched once a checkout."""
    folder = root / ".tools"
    folder.mkdir(exist_ok=True)
    packed = folder / f"{package.removeprefix('@').replace('/', '-')}-{version}.tgz"
    if not packed.exists():
        command = ["npm", "pack", "--silent", f"{package}@{version}", "--pack-destination", str(folder)]
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
    with tarfile.open(packed) as archive:
        member = archive.extractfile(f"package/{file}")
        assert member is not None
        return member.read()
