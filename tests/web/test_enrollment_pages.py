"""The pages of an enrollment.

Few presses, no page that a reload sends again, one answer for a copy.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate import Senders
from mfa_gate.core.model import Caller, Lock
from mfa_gate.core.rules import BrandRules, EnrollmentRules, Policy
from mfa_gate.factors.voice import VoiceRules
from tests.harness import START, Browser, Outbox, Reply, World, make_world, running, with_rules

DRAFT = re.compile(r'name="enrollment" value="([^"]+)"')
FORM_ID = re.compile(r'name="form_id" value="([^"]+)"')
KEY = re.compile(r'id="key" dir="ltr">([^<]+)<')
KINDS_TO_START: tuple[tuple[str, dict[str, str]], ...] = (
    ("totp", {}), ("sms", {"phone": "(202) 555-0143"}), ("push", {}), ("webauthn", {}), ("email", {}),
)  # fmt: skip
VOICE = {"voice": VoiceRules(confirm="code")}
KINDS = ("webauthn", "push", "totp", "sms", "email", "backup-code")


def policy(kinds: tuple[str, ...] = KINDS, *, options: dict[str, Any] | None = None, **enrollment: Any) -> Policy:
    """Everybody may set up every kind."""
    return with_rules(
        lambda rules: replace(
            rules,
            factors=replace(rules.factors, allowed=kinds, order=kinds[:-1], options=options or rules.factors.options),
            enrollment=replace(EnrollmentRules(first="open"), **enrollment),
        )
    )


@pytest.fixture
async def world() -> Any:
    async with running(make_world(policy=policy())) as made:
        yield made


async def begun(ann: Browser, kind: str = "totp", **fields: str) -> tuple[str, str]:
    """Begin a draft; return its id and, for an app.

    Set the browser's secret. The page's text comes along.
    """
    answer = await ann.form(f"/mfa/enroll/{kind}", {"action": "start", **fields})
    assert answer.status == 303, answer.text
    page = await ann.page(f"/mfa/enroll/{kind}")
    if key := KEY.search(page.text):
        ann.secret = key[1].replace(" ", "")
    found = DRAFT.search(page.text)
    assert found is not None, page.text
    return found[1], page.text


def place(reply: Reply) -> str:
    return reply.location.split("#")[0]


async def test_the_choice_begins_at_once(world: World) -> None:
    """A row that asks nothing is the button that begins.

    A row with a number to type leads to its field.
    """
    ann = await world.browser()
    text = (await ann.page("/mfa/enroll")).text
    for kind in ("totp", "email", "push"):
        assert re.search(
            rf'action="/mfa/enroll/{kind}#errors" data-once>.*?class="row" name="action" value="start"', text
        )
        assert f'href="/mfa/enroll/{kind}"' not in text
    for kind in ("sms", "webauthn"):
        assert f'href="/mfa/enroll/{kind}"' in text


async def test_an_app_in_four_presses(world: World) -> None:
    """Choose, try out, keep the codes, go on: the pages between are reached by redirects."""
    ann = await world.browser()
    await ann.ask("GET", "/records")
    draft, text = await begun(ann)
    assert 'type="text" id="label"' not in text
    tried = await ann.form("/mfa/enroll/totp", {"enrollment": draft, "code": ann.totp(), "action": "confirm"})
    assert (tried.status, tried.location) == (303, "/mfa/backup-codes#"), "a success ends in a fragment of its own"
    assert "Step 3 of 3" in (await ann.page("/mfa/backup-codes")).text
    saved = await ann.form("/mfa/backup-codes", {"action": "saved", "saved": "yes"})
    assert (saved.status, place(saved)) == (303, "/records")


async def test_without_codes_the_last_page_says_what_is_set_up() -> None:
    """The page after the right code names the default method, and leads to the app."""
    async with running(make_world(policy=policy(kinds=("totp", "email")))) as world:
        ann = await world.browser()
        await ann.ask("GET", "/records")
        draft, _ = await begun(ann)
        tried = await ann.form("/mfa/enroll/totp", {"enrollment": draft, "code": ann.totp()})
        assert (tried.status, tried.location) == (303, "/mfa/enroll/done#")
        done = (await ann.page("/mfa/enroll/done")).text
        assert "Step 3 of 3" in done
        assert "Default sign-in method" in done
        assert 'href="/records"' in done


async def test_a_passkey_has_no_page_before_its_button(world: World) -> None:
    """The page of a passkey has the button that makes it.

    And makes nothing before it is pressed.
    """
    ann = await world.browser()
    text = (await ann.page("/mfa/enroll/webauthn")).text
    assert 'data-passkey="create"' in text
    assert (await world.account()).enrollments == ()


async def test_another_way_goes_back_to_the_settings(world: World) -> None:
    """A person who adds one in the settings is told there, and sees no success page."""
    ann = await world.enrolled()
    draft, text = await begun(ann, "email")
    assert "Step 2" not in text
    code = world.email.codes[-1]
    done = await ann.form("/mfa/enroll/email", {"enrollment": draft, "code": code})
    assert (done.status, place(done)) == (303, "/mfa")
    assert "Email</bdi> was added" in (await ann.page("/mfa")).text


@pytest.mark.parametrize("is_interrupted", [False, True])
async def test_the_copy_of_a_form_leads_where_the_first_did(world: World, is_interrupted: bool) -> None:
    """A double press shows the answer to the second form: the same place, and the same notice."""
    if is_interrupted:
        ann = await world.browser("new", "alpha")
        await ann.ask("GET", "/records")
        draft, _ = await begun(ann)
        path, fields = "/mfa/enroll/totp", {"enrollment": draft, "code": ann.totp()}
    else:
        ann = await world.enrolled()
        draft, _ = await begun(ann, "email")
        path, fields = "/mfa/enroll/email", {"enrollment": draft, "code": world.email.codes[-1]}
    token = await ann.token(path)
    copy = Browser(world, address=ann.address, cookies=dict(ann.cookies))
    replies = [await one.form(path, fields, token=token) for one in (ann, copy)]
    assert [place(reply) for reply in replies] == ["/mfa/backup-codes" if is_interrupted else "/mfa"] * 2
    if not is_interrupted:
        assert "Email</bdi> was added" in (await copy.page("/mfa")).text


async def test_a_second_one_of_a_kind_asks_for_its_name(world: World) -> None:
    """Two of a kind are told apart by names; the first needs none."""
    ann = await world.enrolled()
    _, text = await begun(ann)
    assert 'id="label"' in text


async def test_what_is_set_up_is_no_second_way(world: World) -> None:
    """The last page offers other kinds, not the one that was just set up."""
    ann = await world.browser()
    draft, _ = await begun(ann)
    await ann.form("/mfa/enroll/totp", {"enrollment": draft, "code": ann.totp()})
    text = (await ann.page("/mfa/enroll/done")).text
    assert "/mfa/enroll/email" in text
    assert "/mfa/enroll/totp" not in text


# -- no page that a reload sends again --------------------------------------------------------------------------------


async def test_no_success_is_the_answer_of_a_form(world: World) -> None:
    """Starting and sending again leave by 303, for every kind."""
    ann = await world.browser()
    for kind, fields in KINDS_TO_START:
        answer = await ann.form(f"/mfa/enroll/{kind}", {"action": "start", **fields})
        assert (answer.status, place(answer)) == (303, f"/mfa/enroll/{kind}"), kind
    draft = DRAFT.findall((await ann.page("/mfa/enroll/email")).text)[0]
    world.clock.advance(60)
    again = await ann.form("/mfa/enroll/email", {"action": "send", "enrollment": draft})
    assert (again.status, place(again)) == (303, "/mfa/enroll/email")
    assert "A new code is on its way" in (await ann.page("/mfa/enroll/email")).text


async def test_the_last_attempt_leads_to_the_lock(world: World) -> None:
    """After the last attempt a form leaves by 303 to the page of the lock.

    At sign-in and while enrolling.
    """
    ann = await world.browser()
    draft, _ = await begun(ann)
    for _ in range(6):
        assert (await ann.form("/mfa/enroll/totp", {"enrollment": draft, "code": ann.wrong()})).status == 422
    last = await ann.form("/mfa/enroll/totp", {"enrollment": draft, "code": ann.wrong()})
    assert (last.status, place(last)) == (303, "/mfa/locked")
    assert "This account is locked" in (await ann.page("/mfa/locked")).text


async def test_the_lock_is_shown_to_a_browser_that_is_in(world: World) -> None:
    """A proof that still lives hides no lock.

    A person who adds a second app sees it after the last attempt.
    """
    ann = await world.enrolled()
    draft, _ = await begun(ann)
    for _ in range(7):
        last = await ann.form("/mfa/enroll/totp", {"enrollment": draft, "code": ann.wrong()})
    assert (last.status, place(last)) == (303, "/mfa/locked")
    assert (await ann.page("/mfa/locked")).status == 200


async def test_the_code_of_the_contact_on_file(world: World) -> None:
    """Asking for the code that proves the contact leaves by 303 as well."""
    async with running(make_world(policy=policy(("totp", "backup-code"), first="contact"))) as other:
        ann = await other.browser()
        sent = await ann.form("/mfa/enroll", {"action": "contact-send", "kind": "email"})
        assert (sent.status, place(sent)) == (303, "/mfa/enroll")
        assert "contact-verify" in (await ann.page("/mfa/enroll")).text


async def test_a_lock_while_the_code_for_the_contact_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of the lock comes, and no code goes out."""
    async with running(make_world(policy=policy(("totp", "backup-code"), first="contact"))) as other:
        ann, leave = await other.browser(), other.gate.service.leave
        send = leave.send_contact

        async def meanwhile(caller: Caller, kind: str) -> Any:
            account = await other.account("ann")
            lock = Lock(at=START, cause="attempts", ref="x")
            assert await other.store.swap(replace(account, lock=lock))
            return await send(caller, kind)

        monkeypatch.setattr(leave, "send_contact", meanwhile)
        asked = await ann.form("/mfa/enroll", {"action": "contact-send", "kind": "email"})
        assert (asked.status, place(asked)) == (303, "/mfa/locked")
        assert other.email.codes == []


# -- the same thing twice ---------------------------------------------------------------------------------------------


async def test_the_row_pressed_twice_sends_one_code(world: World) -> None:
    """Back, and the same row again.

    The code that is on its way counts, and no second one replaces it.
    """
    ann = await world.browser()
    first, _ = await begun(ann, "email")
    again, _ = await begun(ann, "email")
    assert again == first
    assert len(world.email.codes) == 1
    done = await ann.form("/mfa/enroll/email", {"enrollment": first, "code": world.email.codes[0]})
    assert done.status == 303


async def test_the_phone_keeps_its_picture(world: World) -> None:
    """The picture for approval on the phone stays while it can be scanned.

    A new one is asked for.
    """
    ann = await world.browser()
    first, text = await begun(ann, "push")
    again, same = await begun(ann, "push")
    assert again == first
    address = re.compile(r"/approve#e=[^&\"<]+")
    assert address.findall(same) == address.findall(text)
    anew, _ = await begun(ann, "push", anew="1")
    assert anew != first


@pytest.mark.parametrize("late", [False, True], ids=["before the answer", "after the answer"])
async def test_a_copy_of_the_confirmation(world: World, late: bool) -> None:
    """The copy of a confirmation leads where the first did, with the codes.

    It comes with the cookie of before, as a second press does, or with the new one, as a second tab does.
    """
    ann = await world.browser()
    draft, _ = await begun(ann)
    fields = {"enrollment": draft, "code": ann.totp()}
    token, before = await ann.token("/mfa/enroll/totp"), dict(ann.cookies)
    first = await ann.form("/mfa/enroll/totp", fields)
    if late:
        copy = await ann.form("/mfa/enroll/totp", fields)
    else:
        now, ann.cookies = ann.cookies, before
        copy = await ann.form("/mfa/enroll/totp", fields, token=token)
        assert ann.cookies[ann.handle] == now[ann.handle]
    assert (first.status, first.location) == (copy.status, copy.location) == (303, "/mfa/backup-codes#")
    assert len((await world.account()).authenticators) == 2
    assert "codes" in (await ann.page("/mfa/backup-codes")).text


async def test_a_copy_with_another_code_is_none(world: World) -> None:
    """Another code for a draft that is confirmed gets no success."""
    ann = await world.browser()
    draft, _ = await begun(ann)
    await ann.form("/mfa/enroll/totp", {"enrollment": draft, "code": ann.totp()})
    other = await ann.form("/mfa/enroll/totp", {"enrollment": draft, "code": ann.wrong()})
    assert place(other) != "/mfa/backup-codes"


async def test_copies_are_no_free_guesses(world: World) -> None:
    """A minute has few.

    Who has the cookie of before could try all codes, and see the backup codes.
    """
    ann = await world.browser()
    draft, _ = await begun(ann)
    right = {"enrollment": draft, "code": ann.totp()}
    token, before = await ann.token("/mfa/enroll/totp"), dict(ann.cookies)
    assert place(await ann.form("/mfa/enroll/totp", right)) == "/mfa/backup-codes"
    for number in range(12):
        ann.cookies = dict(before)
        await ann.form("/mfa/enroll/totp", {**right, "code": ann.wrong(1000 * number)}, token=token)
    ann.cookies = dict(before)
    assert place(await ann.form("/mfa/enroll/totp", right, token=token)) != "/mfa/backup-codes"


async def test_skipping_twice(world: World) -> None:
    """The second copy of "Skip for now" leads into the app, as the first did."""
    async with running(make_world(policy=policy(stage="optional"))) as other:
        ann = await other.browser()
        for _ in range(2):
            answer = await ann.form("/mfa/enroll", {"action": "skip"})
            assert (answer.status, place(answer)) == (303, "/")


# -- the number that was typed ----------------------------------------------------------------------------------------


async def test_the_typed_number_is_whole_until_it_is_proven(world: World) -> None:
    """A slip in a number can be seen and changed; afterwards it is masked (decisions 58)."""
    ann = await world.browser()
    draft, text = await begun(ann, "sms", phone="202 555 0143")
    assert "(202)\u00a0555-0143" in text
    assert 'href="/mfa/enroll/sms?again=1"' in text
    assert 'value="(202) 555-0143"' in (await ann.page("/mfa/enroll/sms?again=1")).text
    done = await ann.form("/mfa/enroll/sms", {"enrollment": draft, "code": world.sms.codes[-1]})
    assert done.status == 303
    assert "555" not in (await ann.page("/mfa/enroll/done")).text.replace("\u00a0", " ").split("<main")[1]


async def test_where_nothing_is_demanded(world: World) -> None:
    """A tenant that is off does not say that it asks for something, and has a way back."""
    async with running(make_world(policy=policy(stage="off"))) as other:
        ann = await other.browser()
        text = (await ann.page("/mfa/enroll")).text
        assert "offers two-step sign-in" in text
        assert "Not now? Sign out" not in text


async def test_a_call_to_the_same_number(world: World) -> None:
    """Beside a text message a call to the same number is offered, where calls are possible.

    And the other way round.
    """
    kinds = ("sms", "voice", "backup-code")
    senders = Senders(email=Outbox(), sms=Outbox(), voice=Outbox())
    spoken = policy(kinds, options=VOICE)
    async with running(make_world(policy=spoken, senders=senders)) as other:
        ann = await other.browser()
        _, text = await begun(ann, "sms", phone="202 555 0143")
        assert "Call me instead" in text
        assert 'method="post" action="/mfa/enroll/voice#errors"' in text
        _, text = await begun(ann, "voice", phone="(202) 555-0143")
        assert "Text me instead" in text
    async with running(make_world(policy=policy())) as without:
        ann = await without.browser()
        assert "Call me instead" not in (await begun(ann, "sms", phone="202 555 0143"))[1]


# -- the same wrong answer --------------------------------------------------------------------------------------------


async def test_a_reload_of_a_wrong_code_is_free(world: World) -> None:
    """A reload sends the same form again: it is not compared again, and costs no attempt.

    The same code typed anew is a new answer, and so is another code in the same form.
    """
    ann = await world.enrolled()
    drafts = await world.browser("bob")
    draft, _ = await begun(drafts)
    world.clock.advance(30)
    places: tuple[tuple[Browser, str, dict[str, str]], ...] = (
        (ann, f"/mfa/challenge/{await ann.authenticator('totp')}", {}),
        (drafts, "/mfa/enroll/totp", {"enrollment": draft}),
    )
    for browser, place_, fields in places:
        owing = browser
        if browser is ann:
            owing = await world.browser(ann.id, ann.tenant, sid="another")
            owing.secret = ann.secret
        wrong, text = browser.wrong(), (await owing.page(place_)).text
        form = {**fields, "code": wrong, "form_id": FORM_ID.findall(text)[0]}
        for _ in range(9):
            shown = await owing.form(place_, form)
            assert (shown.status, "6 attempts are left" in shown.text) == (422, True)
        assert (await world.account(browser.id)).attempts.used == 1
        anew = await owing.form(place_, {**form, "form_id": FORM_ID.findall(shown.text)[0]})
        assert "5 attempts are left" in anew.text
        other = await owing.form(
            place_, {**form, "code": "".join(reversed(wrong)) if wrong != wrong[::-1] else "111112"}
        )
        assert "4 attempts are left" in other.text
        right = await owing.form(place_, {**form, "code": browser.totp()})
        assert right.status == 303


async def test_a_reload_of_a_wrong_code_behind_a_lock_leads_to_the_lock(world: World) -> None:
    """The account was locked meanwhile: a page that asks for codes would lead nowhere."""
    ann = await world.enrolled()
    owing = await world.browser(ann.id, ann.tenant, sid="another")
    owing.secret = ann.secret
    place_ = f"/mfa/challenge/{await ann.authenticator('totp')}"
    form = {"code": owing.wrong(), "form_id": FORM_ID.findall((await owing.page(place_)).text)[0]}
    token = await owing.token(place_)
    assert (await owing.form(place_, form, token=token)).status == 422
    for number in range(6):
        await owing.guess(1000 * number)
    assert (await world.account(ann.id)).lock is not None
    again = await owing.form(place_, form, token=token)
    assert (again.status, place(again)) == (303, "/mfa/locked")


async def test_every_page_has_another_form_id(world: World) -> None:
    """The id of a form is of its page alone, and not the same after a reload."""
    ann = await world.browser()
    ids = [FORM_ID.findall((await ann.page("/mfa/enroll")).text)[0] for _ in range(3)]
    assert len(set(ids)) == 3


async def test_a_long_choice_is_folded_after_three() -> None:
    """Six kinds are three rows and a fold, five stand open; each says its time."""
    kinds = ("webauthn", "push", "totp", "sms", "voice", "email")
    senders = Senders(email=Outbox(), sms=Outbox(), voice=Outbox())
    for shown in (kinds, kinds[1:]):
        async with running(
            make_world(policy=policy(kinds=(*shown, "backup-code"), options=VOICE), senders=senders)
        ) as world:
            text = (await (await world.browser()).page("/mfa/enroll")).text
            open_rows, fold, folded = text.partition('<details class="more">')
            assert bool(fold) == (len(shown) == 6)
            rows = [part.count('class="row"') for part in (open_rows, folded)]
            assert rows == ([3, 3] if fold else [5, 0])
            assert text.count('class="takes"') == len(shown)


async def test_a_request_for_help_leaves_by_redirect(world: World) -> None:
    """A reload of the page after it sends nothing again."""
    await world.enrolled()
    other = await world.browser(sid="another")
    sent = await other.form("/mfa/recovery", {"action": "request", "about": "My phone was stolen."})
    assert (sent.status, sent.location.split("#")[0]) == (303, "/mfa/recovery?sent=1")
    for _ in range(2):
        page = await other.page("/mfa/recovery?sent=1")
        assert "Your request was sent" in page.text
    assert "is waiting for an administrator" in (await other.page("/mfa/recovery")).text
    assert len(world.kinds("recovery.requested")) == 1


@pytest.mark.parametrize("kind", ["sms", "voice"])
async def test_the_consent_leads_to_terms_and_privacy(kind: str) -> None:
    """U-28: beside the number stand the links to the host's terms and to its privacy policy."""
    brand = BrandRules(terms_url="https://example.org/terms", privacy_url="/privacy")
    made = policy(("sms", "voice", "backup-code"), options=VOICE)
    made = replace(made, tenants={name: replace(rules, brand=brand) for name, rules in made.tenants.items()})
    senders = Senders(email=Outbox(), sms=Outbox(), voice=Outbox())
    async with running(make_world(policy=made, senders=senders)) as world:
        ann = await world.browser()
        consent = (await ann.page(f"/mfa/enroll/{kind}")).text.partition('class="consent"')[2].partition("</p>")[0]
    assert re.findall(r'href="([^"]+)"', consent) == ["https://example.org/terms", "/privacy"]
