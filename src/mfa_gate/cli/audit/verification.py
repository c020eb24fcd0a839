"""Verify the audit trail, in the store or in an export, and print its signed heads."""

from __future__ import annotations

import argparse
from pathlib import Path

from ...errors import SettingsError
from ...service import Service
from ...service.export_verification import ExportCheck, Proven, WrongExport
from ...service.trail_heads import Head, NoHead, key_from_text, read_head
from ...service.trail_verification import NO_LIST
from ...storage import ChainPoint
from ...web.api.admin import event_json, head_json
from ...web.responses import stamp
from ..context import DONE, NO, operator_name, running, tell
from ..terminal import one_line


async def head(args: argparse.Namespace, service: Service) -> int:
    """Run ``audit head``.

    Exit 1 where there is no trail, or where one is broken and no head can be signed.
    """
    reader, verdict = service.trail_reader, await service.retention.verify(args.tenant)
    names = await reader.tenants() if not args.tenant else sorted({args.tenant} - {*verdict.unknown})
    heads, lines = list[dict[str, object]](), list[str]()
    for tenant in names:
        if tenant in verdict.broken:
            continue
        found = reader.read_head(word := await reader.head(tenant))
        heads.append(
            {
                "tenant": tenant,
                "lines": found.lines,
                "digest": found.digest,
                "at": stamp(found.at),
                "key": found.key,
                "head": word,
            }
        )
        lines.append(f"{one_line(tenant)} lines={found.lines} digest={found.digest} at={stamp(found.at)} {word}")
    wrong = {tenant: fault.text for tenant, fault in verdict.broken.items()}
    wrong |= dict.fromkeys(verdict.unknown, "there is no such trail")
    lines += [f"{one_line(tenant)}: {what}; no head is signed" for tenant, what in wrong.items()]
    tell(args, {"heads": heads, "refused": wrong}, "\n".join(lines) or "there is no trail")
    return NO if wrong or not heads else DONE


async def accept(args: argparse.Namespace, service: Service) -> int:
    """Run ``audit accept``.

    Exit 1 where nothing is wrong, or where a line is wrong for good.
    """
    actor = operator_name(args)
    before = await service.retention.verify(args.tenant)
    trails = await service.trail_reader.tenants()
    faults = {tenant: fault for tenant, fault in before.broken.items() if tenant in trails}
    if NO_LIST in before.broken and trails:
        faults.setdefault(args.tenant or trails[0], before.broken[NO_LIST])
    for tenant, fault in faults.items():
        await service.trail_signer.accept(tenant, fault, actor=actor, reason=args.reason)
    after = await service.retention.verify(args.tenant)
    lines = [
        f"{one_line(tenant)}: signed as it stands; it was broken at line {f.place + 1}" for tenant, f in faults.items()
    ]
    lines += [f"{one_line(tenant)}: still broken at line {f.place + 1}: {f.text}" for tenant, f in after.broken.items()]
    document = {
        "accepted": {tenant: fault.place + 1 for tenant, fault in faults.items()},
        "broken": {tenant: fault.place + 1 for tenant, fault in after.broken.items()},
    }
    tell(args, document, "\n".join(lines) or "nothing is wrong")
    return DONE if faults and not after.broken else NO


def verify(args: argparse.Namespace) -> int:
    """Run ``audit verify``.

    Exit 1, with the first broken line, if a trail is broken or is not there.
    """
    return _verify_file(args) if args.file else running(_verify_store)(args)


async def _verify_store(args: argparse.Namespace, service: Service) -> int:
    expected: dict[str, list[ChainPoint]] = {}
    for word in args.expect:
        try:
            known = service.trail_reader.read_head(word)
        except NoHead as error:
            tell(
                args,
                {"whole": False, "broken": {}, "pruned": {}, "why": {"--expect": str(error)}},
                f"--expect: {error}",
            )
            return NO
        expected.setdefault(known.tenant, []).append(known.point)
    verdict = await service.retention.verify(args.tenant, expected=expected)
    lines = [
        f"{one_line(tenant)}: broken at line {fault.place + 1}: {fault.text}"
        for tenant, fault in verdict.broken.items()
    ]
    lines += [f"{one_line(tenant)}: there is no such trail" for tenant in verdict.unknown]
    lines = lines or ["every trail is whole"]
    lines += [
        f"{one_line(tenant)}: verified from line {anchor.lines + 1} on, pruned before it"
        for tenant, anchor in verdict.anchors.items()
    ]
    lines += [
        f"{one_line(tenant)}: lines up to {count} are of before the chain had a key; their head was signed afterwards"
        for tenant, count in verdict.since.items()
    ]
    if not verdict.is_signed:
        lines.append("no head is signed yet, and no line has a key: start the gate once, and it signs what is here")
    document: dict[str, object] = {
        "whole": verdict.is_whole,
        "broken": {tenant: fault.place + 1 for tenant, fault in verdict.broken.items()},
        "pruned": {tenant: anchor.lines for tenant, anchor in verdict.anchors.items()},
    }
    why = {tenant: fault.text for tenant, fault in verdict.broken.items()}
    why |= dict.fromkeys(verdict.unknown, "there is no such trail")
    document |= {name: part for name, part in (("why", why), ("keyless", verdict.since)) if part}
    document |= {} if verdict.is_signed else {"signed": False}
    tell(args, document, "\n".join(lines))
    return DONE if verdict.is_whole else NO


def _verify_file(args: argparse.Namespace) -> int:
    """Verify an export, with verification keys alone."""
    try:
        keys = dict(key_from_text(_word(text)) for text in args.verify_key)
        if not keys:
            raise SettingsError("--verify-key is missing: give what mfa-gate keys verify-key printed")
        check = ExportCheck(lambda id: keys.get(id, b""), event_json, head_json, _expected(args.expect, keys))
        with Path(args.file).open(encoding="utf-8") as file:
            proven = check.run(file)
    except NoHead as error:
        raise SettingsError(f"--verify-key: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"--file {args.file}: cannot be read ({error})") from error
    except WrongExport as error:
        tell(args, {"whole": False, "why": str(error)}, f"the export is broken: {error}")
        return NO
    tell(args, {"whole": True, "trails": [_document(found) for found in proven]}, "\n".join(map(_text, proven)))
    return DONE


def _word(text: str) -> str:
    """Return a key that was given as a word, or as the name of a file that has it."""
    try:
        return text if text.startswith("mfav1.") else Path(text).read_text("utf-8").split()[0]
    except (OSError, UnicodeDecodeError, IndexError) as error:
        raise SettingsError(f"--verify-key {text}: is no key, and no file that holds one ({error})") from error


def _expected(words: list[str], keys: dict[str, bytes]) -> list[Head]:
    try:
        return [read_head(word, lambda id: keys.get(id, b"")) for word in words]
    except NoHead as error:
        raise WrongExport(f"--expect: {error}") from error


def _document(found: Proven) -> dict[str, object]:
    return {
        "tenant": found.tenant,
        "first": found.first,
        "last": found.last,
        "readable": found.readable,
        "signed_at": stamp(found.at),
        "filters": dict(found.words),
        "left_out": [list(span) for span in found.left_out],
    }


def _text(found: Proven) -> str:
    text = f"{one_line(found.tenant)}: lines {found.first} to {found.last} are whole, {found.readable} of them readable"
    words = ", ".join(f"{name} {one_line(value)}" for name, value in found.words.items())
    return f"{text}; signed at {stamp(found.at)}" + (f"; filtered by {words}" if words else "")
