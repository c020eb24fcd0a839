"""A problem names the member that is wrong: the response, whatever is wrong with it."""

from __future__ import annotations

from tests.harness import World


async def test_a_response_that_is_wrong_in_any_way(world: World) -> None:
    """Wrong, malformed, used before, too old: each names ``response``."""
    ann = await world.enrolled()
    used = {"authenticator": await ann.authenticator("totp"), "response": ann.totp()}
    email = await ann.enroll_email()
    world.clock.advance(60)
    sent = (await ann.api("POST", "challenge", {"authenticator": email})).json()
    old = {"challenge": sent["challenge"], "response": world.email.codes[-1]}
    wrong = {
        "wrong_code": {**used, "response": ann.wrong()},
        "malformed": {**used, "response": "12"},
        "code_already_used": used,
        "code_expired": old,
    }
    found = {}
    for reason, body in wrong.items():
        if reason == "code_expired":
            world.clock.advance(700)
        reply = (await ann.api("POST", "verify", body)).json()
        found[reply["reason"]] = reply.get("member")
    assert found == dict.fromkeys(wrong, "response")
