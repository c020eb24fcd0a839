"""Tell who is signed in: adapters for the places where hosts keep their user.

Any async function of an ``HTTPConnection`` does as well.
"""

from __future__ import annotations

from .bearer import BearerJWT
from .credentials import Unreadable
from .fastapi_users import FastAPIUsers
from .first import FirstOf
from .header import TrustedHeader
from .request import RequestUser
from .session import SessionUser
from .subject_ids import subject_by_sub

__all__ = [
    "BearerJWT",
    "FastAPIUsers",
    "FirstOf",
    "RequestUser",
    "SessionUser",
    "TrustedHeader",
    "Unreadable",
    "subject_by_sub",
]
