"""Binding authenticators: who may, what a first enrollment needs, and when one begins to count."""

from __future__ import annotations

from .. import attempts as budget
from ..assurance import Traits, combine, could_meet, meeting
from ..decision import Allow, Decision, Enroll, StepUp, answerable
from ..entropy import draw_id
from ..events import Event, Moment
from ..evidence import Evidence, skip_key
from ..model import MAX_AUTHENTICATORS, Account, Authenticator, Browser, Caller, Enrollment, Fields, Leave, Seconds
from ..policy import Demand, Requirement
from ..reasons import Refusal
from ..records import replace
from ..rules import MayBeOnFile, Rules
from .base import Change, breaks_bound, refuse, tidy, time_of
from .verify import Charge, Granted, grant, settle_failure

CHANGE_AGE = 300
"""Seconds: how old a proof may be for changing factors (decisions 10, S-84)."""
STRONGER = "Confirm with the strongest way that you have set up, then try again."
MANY = 100
ENROLLMENT_LIFE = 1800
LEAVE_LIFE = 900
KEPT_REPLACED = 2
"""How many replaced drafts are kept, so that their codes are told apart from wrong ones."""
MAX_LABEL = 40


def change_demand(
    evidence: Evidence, requirement: Requirement, *, adding: str = "", max_age: int = CHANGE_AGE
) -> Demand:
    """Join what a change of factors demands: a proof that is fresh and keeps the floors.

    Whoever holds something that meets a floor proves with that (decisions 37), or enrolling, removing or replacing by a
    weaker proof would be a way round the floor. Floors that nothing held meets are left out: the first strong factor must
    stay possible. Where ``adding`` names a kind, so are floors that this kind could never meet. Where no one authenticator
    meets all of it, what is demanded here goes first, then the strongest floor: what this asks for can always be given.
    """
    account, traits = evidence.account, evidence.traits
    held = [a.factor for a in answerable(account, requirement.factors, traits)]
    demand = Demand(rule="change", max_age=Seconds(max_age))
    floors = [f for f in requirement.floors if not adding or could_meet(adding, f, traits)]
    floors.sort(key=lambda f: (not f.phishing_resistant, len(f.factors_any) or MANY))
    for floor in (*requirement.demands, *floors):
        joint = replace(combine((demand, floor), rule=demand.rule), max_age=demand.max_age)
        if any(could_meet(kind, joint, traits) for kind in held):
            demand = joint
    return demand


def may_change(evidence: Evidence, requirement: Requirement, now: int, *, adding: str = "") -> Refusal | None:
    """Say why factors may not be changed now, or None.

    A fresh proof by something enrolled is needed (S-82, S-84). ``adding`` is
    the kind that is to be added; "" stands for every other change.
    """
    account = evidence.account
    now = max(now, account.seen_at)
    if account.lock is not None:
        return Refusal(reason="locked", ref=account.lock.ref, attempts_remaining=0)
    if now < account.frozen_until:
        return Refusal(reason="frozen")
    demand = change_demand(evidence, requirement, adding=adding)
    if meeting(evidence.proofs, (demand,), now):
        return None
    stronger = demand.phishing_resistant or demand.factors_any
    return Refusal(reason="proof_required", max_age=demand.max_age, detail=STRONGER if stronger else "")


def may_enroll(
    evidence: Evidence, decision: Decision, requirement: Requirement, traits: Traits, now: int
) -> Refusal | None:
    """Say why ``traits`` may not be enrolled now, or None.

    Somebody with a factor needs a fresh proof and is never in a first enrollment (S-83). A first one needs what the
    policy says besides the password: the contact on file proven, or a ticket; confirming that contact proves it too.
    """
    account = evidence.account
    now = max(now, account.seen_at)
    if traits.kind not in requirement.factors:
        return Refusal(reason="not_enrollable")
    if evidence.holds:
        if isinstance(decision, StepUp):
            return Refusal(reason="proof_required", max_age=min(CHANGE_AGE, decision.demand.max_age))
        return may_change(evidence, requirement, now, adding="" if traits.backup else traits.kind)
    if account.lock is not None:
        return Refusal(reason="locked", ref=account.lock.ref, attempts_remaining=0)
    if now < account.frozen_until:
        return Refusal(reason="frozen")
    if traits.backup:
        return Refusal(reason="not_enrollable")
    if not isinstance(decision, (Enroll, Allow)):
        return Refusal(reason="proof_required")
    return needs_leave(evidence, requirement.rules, traits, now)


def needs_leave(evidence: Evidence, rules: Rules, traits: Traits, now: int) -> Refusal | None:
    """What a first enrollment still lacks, or None."""
    first = rules.enrollment.first
    now = max(now, evidence.account.seen_at)
    if first == "open":
        return None
    leave = evidence.account.leave
    if (
        leave
        and leave.browser == evidence.handle
        and now - leave.at < LEAVE_LIFE
        and (leave.kind == "ticket" or first == "contact")
    ):
        return None
    if first == "ticket":
        return Refusal(reason="ticket_required")
    return None if is_on_file(rules, traits) else Refusal(reason="contact_required")


def is_on_file(rules: Rules, traits: Traits) -> bool:
    """Whether confirming this factor proves a contact that the host has on file."""
    options = rules.factors.options.get(traits.kind)
    if traits.contact and isinstance(options, MayBeOnFile):
        return options.is_on_file
    return traits.contact == "email"


def begin_enrollment(
    account: Account,
    moment: Moment,
    *,
    factor: str,
    data: Fields,
    label: str,
    browser: str,
    single: bool,
    name: str = "",
) -> Change[Enrollment | Refusal]:
    """A draft that does not count yet; it takes the place of an earlier draft of this kind in this browser (S-66).

    The earlier one is kept as replaced, with its codes: whoever answers with those is told so, and is not charged.
    """
    now = time_of(account, moment)
    reason = _no_room(account, factor, single=single)
    if reason:
        return refuse(account, reason)
    enrollment = Enrollment(
        id=draw_id(moment.nonce, "enrollment"),
        factor=factor,
        label=_clean(label),
        browser=browser,
        started_at=now,
        expires_at=now + ENROLLMENT_LIFE,
        data=data,
    )
    others = tuple(e for e in account.enrollments if (e.factor, e.browser) != (factor, browser))
    mine = tuple(e for e in account.enrollments if e not in others)
    replaced = (*account.replaced, *mine)[-KEPT_REPLACED:]
    gone = {e.id for e in account.replaced if e not in replaced}
    account = replace(
        account,
        name=_printable(name)[:80] or account.name,
        enrollments=(*others, enrollment),
        replaced=replaced,
        challenges=tuple(c for c in account.challenges if c.target not in gone),
    )
    return Change(account=tidy(account, now), events=(), answer=enrollment)


def settle_enrollment(
    account: Account,
    moment: Moment,
    rules: Rules,
    caller: Caller,
    *,
    taken: Charge,
    seen: Enrollment,
    data: Fields,
    challenge: str,
    label: str,
    traits: Traits,
    user_verified: bool,
    new_handle: str,
    answer: str,
    refusal: Refusal | None,
) -> Change[Granted | Refusal]:
    """The draft confirmed: it counts from now on, and is a proof of this browser. ``refusal`` is ``may_enroll``'s word
    on the account as it is now: what was allowed when the draft began may not be any more."""
    now = time_of(account, moment)
    reason = refusal.reason if refusal else ""
    if not reason and seen not in account.enrollments:
        reason = "draft_replaced" if replaced_by(account, seen) else "code_already_used"
    if not reason and now >= seen.expires_at:
        reason = "code_expired"
    if not reason:
        reason = _no_room(account, seen.factor, single=traits.single)
    if not reason and any("claim" in a.data and a.data["claim"] == data.get("claim") for a in account.authenticators):
        reason = "already_enrolled"
    answered = next((c for c in account.challenges if c.id == challenge), None)
    if not reason and challenge and (answered is None or not answered.is_live(moment.now, account.seen_at)):
        reason = "code_already_used"
    authenticator = Authenticator(
        id=draw_id(moment.nonce, "authenticator"),
        factor=seen.factor,
        label=free_label(account, label or seen.label),
        created_at=now,
        data=data,
        last_used_at=now,
        last_network=caller.network,
    )
    if not reason and breaks_bound(account, authenticator):
        reason = "too_many"
    if reason:
        return settle_failure(
            account, moment, rules, taken=taken, factor=seen.factor, reason=reason, free=True, browser=caller.handle
        )
    account = replace(
        account,
        attempts=budget.reset(account.attempts),
        authenticators=(*account.authenticators, authenticator),
        default=account.default or authenticator.id,
        enrollments=tuple(e for e in account.enrollments if e.id != seen.id),
        replaced=tuple(e for e in account.replaced if (e.factor, e.browser) != (seen.factor, seen.browser)),
        challenges=tuple(c for c in account.challenges if c.target != seen.id and c.purpose != "contact"),
        skips=(),
        leave=None,
        ticket=None,
    )
    enrolled = moment.event("factor.enrolled", account.key, factor=authenticator.factor, authenticator=authenticator.id)
    account, granted, events = grant(
        account,
        moment,
        rules,
        caller,
        authenticator=authenticator,
        user_verified=user_verified,
        phishing_resistant=traits.phishing_resistant,
        remember=True,
        new_handle=new_handle,
        answer=answer,
    )
    return Change(account=tidy(account, now), events=(enrolled, *events), answer=granted)


def replaced_by(account: Account, draft: Enrollment) -> bool:
    """Whether the browser has begun another draft in the place of this one."""
    return any(e.id == draft.id for e in account.replaced)


def free_label(account: Account, label: str) -> str:
    """``label`` cut to 40 characters, with a number behind it where the subject has one of that name already (U-32)."""
    base = _clean(label) or "Authenticator"
    taken = {a.label.casefold() for a in account.authenticators}
    names = [base, *(f"{base[: MAX_LABEL - 3]} {n}" for n in range(2, MAX_AUTHENTICATORS + 2))]
    return next(name for name in names if name.casefold() not in taken)


def _clean(label: str) -> str:
    return _printable(" ".join(label.split()))[:MAX_LABEL].strip()


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())


def _no_room(account: Account, factor: str, *, single: bool) -> str:
    if len(account.authenticators) >= MAX_AUTHENTICATORS:
        return "too_many"
    return "already_enrolled" if single and any(a.factor == factor for a in account.authenticators) else ""


def replace_backup(
    account: Account, moment: Moment, *, factor: str, data: Fields, label: str, browser: str = ""
) -> Change[Authenticator | Refusal]:
    """A new set of backup codes; the old one ends at once. Never for an account without a factor (S-93).

    Proofs by a code of the old set end with it, but not those of ``browser`` (a handle's digest), which makes the new
    one: whoever came in by a code would else have to spend one of the new ones to go on.
    """
    now = time_of(account, moment)
    others = tuple(a for a in account.authenticators if a.factor != factor)
    if not others:
        return refuse(account, "enrollment_required")
    if len(others) >= MAX_AUTHENTICATORS:
        return refuse(account, "too_many")
    authenticator = Authenticator(
        id=draw_id(moment.nonce, "authenticator"), factor=factor, label=label, created_at=now, data=data
    )
    if breaks_bound(replace(account, authenticators=others), authenticator):
        return refuse(account, "too_many")
    event = moment.event("backup_codes.made", account.key, factor=factor)
    ended = {a.id for a in account.authenticators} - {a.id for a in others}
    browsers = tuple(
        _carried(b, ended, authenticator.id) if browser and b.handle == browser else b for b in account.browsers
    )
    changed = replace(account, authenticators=(*others, authenticator), browsers=browsers)
    return Change(account=tidy(changed, now), events=(event,), answer=authenticator)


def _carried(browser: Browser, ended: set[str], successor: str) -> Browser:
    proofs = tuple(replace(p, authenticator=successor) if p.authenticator in ended else p for p in browser.proofs)
    return replace(browser, proofs=proofs)


def skip(account: Account, moment: Moment, caller: Caller, *, decision: Decision) -> Change[Refusal | None]:
    """Put enrollment off, for this sign-in only, while the policy lets it be."""
    if not isinstance(decision, Enroll) or not decision.skippable:
        return refuse(account, "not_allowed")
    now = time_of(account, moment)
    key = skip_key(caller.subject, caller.handle)
    others = tuple(item for item in account.skips if item[0] != key)
    changed = replace(account, skips=(*others, (key, now)), skip_count=account.skip_count + 1)
    event = moment.event("enrollment.skipped", account.key, count=changed.skip_count)
    return Change(account=tidy(changed, now), events=(event,), answer=None)


def grant_leave(
    account: Account, moment: Moment, rules: Rules, *, taken: Charge, challenge: str, browser: str, factor: str
) -> Change[Refusal | None]:
    """The contact on file is proven: this browser may enroll for a while. All attempts are back."""
    now = time_of(account, moment)
    answered = next((c for c in account.challenges if c.id == challenge), None)
    if account.authenticators or answered is None or not answered.is_live(moment.now, account.seen_at):
        return settle_failure(
            account, moment, rules, taken=taken, factor=factor, reason="code_already_used", free=True, browser=browser
        )
    changed = replace(
        account,
        attempts=budget.reset(account.attempts),
        challenges=tuple(
            replace(c, spent_at=c.spent_at or now) if c.purpose == "contact" else c for c in account.challenges
        ),
        leave=Leave(kind="contact", browser=browser, at=now),
    )
    event = moment.event("contact.proven", account.key, factor=factor)
    return Change(account=tidy(changed, now), events=(event,), answer=None)


def redeem_ticket(account: Account, moment: Moment, *, matches: bool, browser: str) -> Change[Refusal | None]:
    """An administrator's ticket is shown: this browser may enroll for a while. It works once."""
    now = time_of(account, moment)
    ticket = account.ticket
    if account.authenticators or ticket is None or not matches or now >= ticket.expires_at:
        return refuse(account, "ticket_required")
    changed = replace(account, leave=Leave(kind="ticket", browser=browser, at=now), ticket=None)
    events: tuple[Event, ...] = (moment.event("enrollment.ticket", account.key, ticket=ticket.ref, reason="redeemed"),)
    return Change(account=tidy(changed, now), events=events, answer=None)
