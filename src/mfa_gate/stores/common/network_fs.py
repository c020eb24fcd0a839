"""Find out if a path lies on a network file system.

There SQLite's locks and shared memory cannot be relied upon (S-116).
"""

from __future__ import annotations

import os
import re

NETWORK_TYPES = frozenset(
    {
        "9p",
        "acfs",
        "afs",
        "afpfs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "fhgfs",
        "ftpfs",
        "gfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncp",
        "ncpfs",
        "nfs",
        "nfs3",
        "nfs4",
        "ocfs2",
        "orangefs",
        "panfs",
        "pvfs2",
        "shfs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "vboxsf",
        "vmhgfs",
        "webdav",
    }
)
_FUSE = frozenset(
    {
        "blobfuse",
        "ceph",
        "cifs",
        "curlftpfs",
        "davfs2",
        "gcsfuse",
        "glusterfs",
        "goofys",
        "juicefs",
        "mfs",
        "moosefs",
        "nfs",
        "rclone",
        "s3fs",
        "seaweedfs",
        "smbnetfs",
        "sshfs",
        "vmhgfs-fuse",
    }
)
_ESCAPE = re.compile(r"\\([0-7]{3})")


def network_type(path: str, mountinfo: str) -> str:
    """Return the type of the network file system that holds ``path``, or "".

    ``path`` is absolute; "" means a local file system.

    ``mountinfo`` is the text of ``/proc/self/mountinfo``; of mounts over each other the last counts.
    """
    best, found = "", ""
    for line in mountinfo.splitlines():
        left, separator, right = line.partition(" - ")
        words = left.split(" ")
        if not separator or len(words) < 5:
            continue
        point = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), words[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, found = point, right.split(" ")[0]
    if found == "9p" and best == "/":
        return ""  # a sandbox's own disk, not shared with another machine
    name = found.removeprefix("fuse.")
    return found if found in NETWORK_TYPES or (name != found and name in _FUSE | NETWORK_TYPES) else ""


def network_type_of(path: str) -> str:
    """The same, asking this machine; "" as well where it has no such list."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            return network_type(os.path.realpath(path), file.read())
    except OSError:
        return ""
