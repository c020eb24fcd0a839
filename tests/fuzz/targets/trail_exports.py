"""Exported trails and their heads, as an auditor gets them from somebody."""

from __future__ import annotations

import asyncio
import base64
import json
from functools import cache

from mfa_gate.cli.audit.export import _document
from mfa_gate.core.trail_search import search_of
from mfa_gate.service.export_verification import ExportCheck, WrongExport
from mfa_gate.service.trail_export import Tally
from mfa_gate.service.trail_heads import HEAD, NoHead, key_from_text, key_to_text, read_head
from mfa_gate.web.api.admin import event_json, head_json
from tests.harness import make_world, running

from ..target import Check, Target, told


@cache
def exported() -> tuple[str, str]:
    """Return a sound export, and the verification key."""

    async def write() -> tuple[str, str]:
        async with running(make_world()) as world:
            await world.enrolled("ann")
            service = world.gate.service
            parts = [part async for part in service.trail_reader.export("alpha", search_of({}), Tally())]
            keys = service.engine.trail_keys
            return "\n".join(json.dumps(_document(part, service)) for part in parts), key_to_text(
                keys.newest, keys.verify_key()
            )

    return asyncio.run(write())


def _verify_key(id: str) -> bytes:
    return dict([key_from_text(exported()[1])]).get(id, b"")


def made() -> Check:
    """Make the check."""
    sound = exported()[0]
    bodies = {json.loads(line).get("line") for line in sound.splitlines()}

    def read(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        try:
            proven = ExportCheck(_verify_key, event_json, head_json).run(text.splitlines())
        except WrongExport as error:
            told(error)
            return
        for line in text.splitlines():
            if proven and line.strip():
                assert json.loads(line).get("line") in bodies, "a line that nobody signed was proven"

    return read


def heads() -> Check:
    """Make the check of a head's word."""
    words = {json.loads(line).get("head") for line in exported()[0].splitlines()} - {None}
    known = [read_head(word, _verify_key) for word in words]

    def read(data: bytes) -> None:
        for way in (data.decode("latin-1"), _repacked(data)):
            try:
                head = read_head(way, _verify_key)
            except NoHead as error:
                told(error)
            else:
                assert head in known

    return read


def _repacked(data: bytes) -> str:
    """Put any bytes in the place of what a head says."""
    return f"{HEAD}.{base64.urlsafe_b64encode(data).decode().rstrip('=')}.AAAA"


def _seeds() -> tuple[bytes, ...]:
    return (exported()[0].encode(),)


def _head_seeds() -> tuple[bytes, ...]:
    words = [json.loads(line).get("head") for line in exported()[0].splitlines()]
    found = [word for word in words if word]
    return tuple(
        part for word in found for part in (word.encode(), base64.urlsafe_b64decode(word.split(".")[1] + "=="))
    )


TARGET = Target(
    "trail-exports",
    "an altered trail proves nothing",
    made,
    _seeds,
    (b'"seq":', b'"digest":', b'"head":', b'"line":'),
    quick=75,
)
HEADS = Target("trail-heads", "an altered head is none", heads, _head_seeds, (b'"n":', b'"x":', b"1e999"), quick=150)
