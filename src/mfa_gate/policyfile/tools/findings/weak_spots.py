"""Find weak spots: values that are allowed, and that give more away than people expect."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ....core.durations import format_duration
from ....core.rules import DAY, RECOVERY_WAYS
from ....factors.totp import MAX_ISSUER, quoted_size
from ...checks import factors_besides_backup
from ...faults import listed
from .remark import Look, Remark

SOON = 30 * DAY
FAR = 5 * 365 * DAY
"""An exemption that ends later than this is as good as permanent."""
FEW_ATTEMPTS = 3
WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def _ways_in(look: Look) -> Iterator[Remark]:
    path, traits = ("factors", "allowed"), look.traits
    alone = factors_besides_backup(look.rules, traits)
    backed = len(alone) < len(look.usable)
    known = [traits[kind] for kind in alone if kind in traits]
    if known and len(known) == len(alone) and all(t.contact == "phone" for t in known) and not backed:
        yield Remark(
            "warning",
            path,
            "only the telephone, and no backup codes: who loses the phone has no way in",
            'allow "backup-code" or a factor without a telephone',
        )
    if known and len(known) == len(alone) and all(t.contact == "email" for t in known):
        yield Remark(
            "warning",
            path,
            "e-mail is the only factor: where passwords are reset by e-mail as well, one mailbox opens both "
            "(SP 800-63B-4 3.1.3.1 does not accept it)",
            "allow a second kind of factor",
        )
    for kind in alone:
        if kind not in traits:
            text = f'"{kind}" is not built into this version; nobody can enroll it'
            yield Remark("warning", path, text, "take it out, or install the package that brings it")
    if look.rules.factors.choice == "tenant" and len(alone) < 2:
        text = f"the administrator is to pick, and there is only {listed(alone)}"
        yield Remark("warning", ("factors", "choice"), text, 'allow more factors, or write choice = "user"')


def _freshness(look: Look) -> Iterator[Remark]:
    freshness = look.rules.freshness
    if freshness.max_age > SOON:
        text = f'"{format_duration(freshness.max_age)}" is longer than 30 days'
        yield Remark("warning", ("freshness", "max_age"), text, 'write "30d" or less')
    if freshness.outage_grace:
        yield Remark(
            "warning",
            ("freshness", "outage_grace"),
            f'while the store is gone, what was revoked still passes for "{format_duration(freshness.outage_grace)}"',
            'write "0s", or accept it',
        )
    if freshness.ip_change.action == "log":
        text = "a change of the address asks nothing; it is only written down"
        yield Remark("warning", ("freshness", "ip_change", "action"), text, 'write "challenge", or accept it')
    if freshness.max_age < 2 * freshness.renew_early:
        text = f'"{format_duration(freshness.renew_early)}" is more than half of max_age: pages ask twice as often'
        yield Remark("warning", ("freshness", "renew_early"), text, "write a shorter time")


def _stage(look: Look) -> Iterator[Remark]:
    enrollment = look.rules.enrollment
    dated = enrollment.optional_from is not None or enrollment.required_from is not None
    if enrollment.stage == "off" and not dated:
        text = "nothing is asked of anybody"
        yield Remark("warning", ("enrollment", "stage"), text, 'write "optional" or "required" when you are ready')
    if enrollment.optional_from is not None and enrollment.required_from is None:
        text = "there is no required_from: it stays optional for good"
        yield Remark(
            "note", ("enrollment", "optional_from"), text, "add required_from, if it is to be required one day"
        )
    for name in ("optional_from", "required_from"):
        at = getattr(enrollment, name)
        if at is not None and at > look.now + FAR:
            text = "it lies more than five years ahead; until then nothing is required"
            yield Remark("warning", ("enrollment", name), text, "write the date that you mean")
    if enrollment.skip.max and enrollment.stage in ("required", "off") and not dated:
        text = "nobody can skip in this stage; the number has no effect"
        yield Remark("warning", ("enrollment", "skip", "max"), text, 'take it out, or write stage = "optional"')
    if enrollment.first == "open" and (dated or enrollment.stage != "off"):
        text = "whoever has the password first enrolls; the contact on file is not asked"
        yield Remark("note", ("enrollment", "first"), text, 'write "contact" or "ticket" where passwords may be known')
    if look.rules.mode == "report-only":
        yield Remark("warning", ("mode",), "report-only: nobody is interrupted", 'write "enforce" after the trial')


def _attempts(look: Look) -> Iterator[Remark]:
    most = look.rules.attempts.max
    if most < FEW_ATTEMPTS:
        text = f"{most} wrong {'answer locks' if most == 1 else 'answers lock'} the account: typing mistakes will do so"
        yield Remark("warning", ("attempts", "max"), text, "write 3 or more")


def _exemptions(look: Look) -> Iterator[Remark]:
    for section in ("exempt", "exempt_subjects"):
        for position, entry in enumerate(getattr(look.rules, section)):
            yield from _ending(look, (section, position), entry.expires_at)
    for position, rule in enumerate(look.rules.exempt):
        trees = [path.text for path in rule.paths if path.text.endswith("/**")]
        writes = [method for method in rule.methods if method in WRITING]
        if trees and writes:
            text = f"{', '.join(writes)} pass without a second factor in all of {listed(trees)}"
            yield Remark("warning", ("exempt", position), text, 'name methods, such as methods = ["GET", "HEAD"]')
    roles = look.rules.roles
    held = {*roles.look, *roles.unlock, *roles.reset, *roles.tenant, *roles.audit, *roles.everywhere, *roles.privileged}
    for position, subjects in enumerate(look.rules.exempt_subjects):
        found = [group for group in subjects.groups_any if group in held and group not in subjects.groups_none]
        if found and (subjects.expires_at is None or subjects.expires_at > look.now):
            text = f"{listed(found)} may administer accounts and need no second factor"
            fix = "take the group out, or name it in groups_none"
            yield Remark("warning", ("exempt_subjects", position, "groups_any"), text, fix)


def _ending(look: Look, path: tuple[str | int, ...], ends: int | None) -> Iterator[Remark]:
    if ends is None:
        return
    left = -(-(ends - look.now) // DAY)
    if left <= 0:
        text = "it has expired and exempts nothing"
        yield Remark("warning", path, text, "take it out, or give it a new date")
    elif ends - look.now <= SOON:
        text = f"it expires in {left} {'day' if left == 1 else 'days'} and exempts nothing from then on"
        yield Remark("warning", path, text, "give it a new date if it must stay")
    elif ends - look.now > FAR:
        text = "it ends more than five years from now: nobody will remember it"
        yield Remark("warning", (*path, "expires"), text, "write a nearer date, or say permanent = true")


def _backup_codes(look: Look) -> Iterator[Remark]:
    for kind in look.rules.factors.allowed:
        if kind in RECOVERY_WAYS and kind not in look.rules.recovery.ways:
            text = f'"{kind}" is allowed and recovery.ways does not have it: none are made or taken'
            yield Remark("warning", ("factors", "allowed"), text, f'take "{kind}" out, or add it to recovery.ways')


def _names(look: Look) -> Iterator[Remark]:
    name = look.rules.brand.name
    if "totp" in look.usable and quoted_size(name) > MAX_ISSUER:
        text = "it is too long for a QR code that every camera reads; authenticator apps show only its beginning"
        yield Remark("warning", ("brand", "name"), text, "write a shorter name")


ALL: tuple[Callable[[Look], Iterator[Remark]], ...] = (
    _ways_in,
    _backup_codes,
    _freshness,
    _stage,
    _attempts,
    _exemptions,
    _names,
)
