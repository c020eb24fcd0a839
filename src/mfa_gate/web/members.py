"""The members that a JSON body may have: their types, and the words for one that is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.break_glass import MAX_HOURS

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Member:
    """One member. ``wants`` completes the sentence "must be …"; ``schema`` is its JSON schema."""

    kinds: tuple[type, ...]
    wants: str
    schema: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class BadMember(ValueError):
    """A member that is unknown, missing or wrong, with the words of the problem."""

    member: str
    title: str
    detail: str
    more: Mapping[str, object] = field(default_factory=dict)


def _text(wants: str, longest: int = 1024, *, least: int = 0) -> Member:
    schema: dict[str, object] = {"type": "string", "maxLength": longest}
    return Member((str,), wants, {**schema, "minLength": least} if least else schema)


def _ref(*names: str) -> dict[str, object]:
    return {"anyOf": [{"type": "string"}, *({"$ref": f"#/components/schemas/{name}"} for name in names)]}


MEMBERS: Mapping[str, Member] = {
    "about": _text("text of 1 to 500 printable characters", least=1),
    "authenticator": _text("the id of an authenticator, as GET state lists it"),
    "challenge": _text("the id that POST challenge gave"),
    "conditional": Member((bool,), "true or false", {"type": "boolean"}),
    "confirm": _text("the name of the organization, exactly"),
    "default": Member((bool,), "true or false", {"type": "boolean"}),
    "digest": _text("the whole digest of a policy that waits, as GET admin/policy lists it"),
    "enabled": Member((bool,), "true or false", {"type": "boolean"}),
    "enrollment": _text("the id that POST enroll gave"),
    "factor": _text("one of the kinds that GET state lists as enrollable"),
    "factors": Member((list,), "a list of texts", {"type": "array", "items": {"type": "string"}}),
    "hours": Member(
        (int,), f"a whole number from 1 to {MAX_HOURS}", {"type": "integer", "minimum": 1, "maximum": MAX_HOURS}
    ),
    "label": _text("text of 1 to 40 printable characters"),
    "mail": Member((bool,), "true or false", {"type": "boolean"}),
    "phone": _text("a phone number with its country code"),
    "reason": _text("text of 1 to 200 printable characters", least=1),
    "ref": _text("the reference that was shown with the request"),
    "remember": Member((bool,), "true or false", {"type": "boolean"}),
    "response": Member((str, dict), "a code as text, or what the browser's passkey call returned as an object", {}),
    "ticket": _text("text of 1 to 200 printable characters", least=1),
    "user_verification": Member((bool,), "true or false", {"type": "boolean"}),
    "version": _text("the version that GET agreement told"),
}
"""Every member by its name, which means the same in each call."""

ASSERTION = Member((str, dict), MEMBERS["response"].wants, _ref("PasskeyAssertion"))
ATTESTATION = Member((str, dict), MEMBERS["response"].wants, _ref("PasskeyAttestation"))

Members = Mapping[str, Member]


def members(*names: str, **others: Member) -> Members:
    """Pick members by name. ``others`` are members with a type of their own."""
    return {**{name: MEMBERS[name] for name in names}, **others}


def typed(body: Body, known: Members, required: Sequence[str] = ()) -> Body:
    """Return the members that are there, each of its very type (S-105); null counts as absent.

    Raises ``BadMember`` for an unknown, missing or mistyped one.
    """
    for name, value in body.items():
        member = known.get(name)
        if member is None:
            raise unknown(name, known)
        if value is not None and type(value) not in member.kinds:
            raise wrong(name, member.wants)
    given = {name: value for name, value in body.items() if value is not None}
    for name in required:
        if name not in given:
            raise BadMember(name, "A member is missing", f'"{name}" is missing: it must be {known[name].wants}.')
    return given


def unknown(name: str, known: Mapping[str, object], kind: str = "member") -> BadMember:
    """Make the fault of a name that is none of ``known``.

    At most 64 characters of it are repeated.
    """
    listed = ", ".join(f'"{one}"' for one in known) or "none"
    title = f"A {kind} is unknown"
    return BadMember(name[:64], title, f'"{name[:64]}" is not a {kind} of this call. It has: {listed}.')


def wrong(name: str, wants: str) -> BadMember:
    """Make the fault of a value that cannot be taken."""
    return BadMember(name, "A value is not right", f'"{name}" must be {wants}.')


def words_of(reason: str, name: str) -> tuple[str, str] | None:
    """Return title and detail for a member that a use case refused.

    None: the reason's own words fit better.
    """
    if reason == "not_found" and name:
        return "An id is not known", f'"{name}" names nothing of yours that is there now.'
    if reason != "malformed":
        return None
    member = MEMBERS.get(name)
    if member is None or name == "response":
        return None
    bad = wrong(name, member.wants)
    return bad.title, bad.detail
