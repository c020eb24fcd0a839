"""One world with people in many states, that can be put back to its beginning."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from mfa_gate.core.model import SubjectKey
from mfa_gate.stores.memory import MemoryStore
from tests.attacks.deeds import deeds_world
from tests.harness import FORM, ORIGIN, PAGE, Browser, Reply, World


@dataclass
class Crowd:
    """Browsers by their state, and the ids of Ann's things."""

    world: World
    browsers: dict[str, Browser] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    _kept: Any = None
    _cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    _at: float = 0

    def keep(self) -> None:
        """Remember how everything is now."""
        store = self.world.store
        assert isinstance(store, MemoryStore)
        self._kept = copied(store._contents)
        self._cookies = {state: dict(browser.cookies) for state, browser in self.browsers.items()}
        self._at = self.world.clock.at

    async def restore(self) -> None:
        """Put everything back to the beginning."""
        await self.world.engine.effects.idle()
        store = self.world.store
        assert isinstance(store, MemoryStore)
        store._contents = copied(self._kept)
        self.world.engine.forget_all()
        self._forget_the_trail()
        self.world.gate.service.verification._malformed.clear()
        self.world.clock.at = self._at
        self.world.reached.clear()
        for state, cookies in self._cookies.items():
            self.browsers[state].cookies = dict(cookies)

    def _forget_the_trail(self) -> None:
        """Let the signer of trails look for none of the lines that are gone.

        It would rightly tell of them.
        """
        self.world.engine.grown.clear()
        self.world.engine.written.clear()
        self.world.gate.service.trail_signer._signed.clear()
        self.world.gate.service.trail_signer._looked_from.clear()

    async def account(self, id: str = "ann", tenant: str = "alpha") -> Any:
        """Return the stored account, without changes that mere looking makes (there are none)."""
        return await self.world.store.load(SubjectKey(tenant, id))


def copied(contents: Any) -> Any:
    """Copy the contents of a store.

    Lines and rows, which are most of it, are shared: nobody changes one.
    """
    rows = (row for roster in contents.roster.values() for row in roster.values())
    return copy.deepcopy(contents, {id(one): one for one in (*contents.lines, *rows)})


KEPT: list[Crowd] = []


async def crowd_of_all() -> Crowd:
    """Return the crowd of this process, gathered once, as it was in the beginning."""
    if not KEPT:
        KEPT.append(await gather())
    await KEPT[0].restore()
    return KEPT[0]


async def token_of(browser: Browser) -> str:
    """Derive the token of this browser's forms, as the gate does; a stranger's is rubbish."""
    if not browser.id:
        return "x"
    if not browser.handle:
        await browser.page("/mfa/nothing")
    gate = browser.world.gate
    jar = gate.web.site.cookies.jar(SubjectKey(browser.tenant, browser.id), {"type": "http", "scheme": "http"})
    handle = gate.web.site.cookies.open(jar, browser.cookies[browser.handle])
    session = f"s-{browser.id}-{browser.tenant}"
    return gate.service.engine.keyring.digest("csrf", browser.tenant, browser.id, session, handle)


async def submit(browser: Browser, path: str, fields: dict[str, str]) -> Reply:
    """A form of ours, sent whether or not a page showed it."""
    token = await token_of(browser)
    body = urlencode({"csrf_token": token, **fields}).encode()
    return await browser.ask("POST", path, headers=[*PAGE, ("origin", ORIGIN), FORM], body=body)


async def gather() -> Crowd:
    """Gather people in every state.

    There are strangers, people who owe the factor, people who have no factor, people who proved it just now or long
    ago, locked people, other people, namesakes in another tenant, and administrators of several kinds.
    """
    world = deeds_world()
    await world.gate.web.open()
    crowd = Crowd(world)
    stale = await world.enrolled("ann")
    await stale.enroll_email()
    lou = await world.enrolled("lou")
    locked = await world.browser("lou")
    locked.secret = lou.secret
    await locked.lock()
    stale_boss = await world.enrolled("boss", groups=["admin"])
    desks = {
        "support": await world.enrolled("sue", groups=["support"]),
        "foreign admin": await world.enrolled("far", "beta", groups=["admin"]),
        "security": await world.enrolled("sec", "beta", groups=["security"]),
    }
    groups_of = {"support": ["support"], "foreign admin": ["admin"], "security": ["security"]}
    bob_first, namesake_first = await world.enrolled("bob"), await world.enrolled("ann", "beta")
    world.clock.advance(1200)
    fresh = await world.browser("ann")
    assert (await fresh.prove(stale.secret)).status == 200
    owes = await world.browser("ann")
    owes.secret = stale.secret
    email = await owes.authenticator("email")
    issued = (await owes.api("POST", "challenge", {"authenticator": email})).json()
    world.clock.advance(60)
    draft = (await fresh.api("POST", "enroll", {"factor": "sms", "phone": "+12025550142"})).json()
    nothing = await world.browser("new")
    await nothing.page("/mfa/enroll")

    async def proven(before: Browser, groups: Sequence[str] = ()) -> Browser:
        browser = await world.browser(before.id, before.tenant, groups=groups)
        assert (await browser.prove(before.secret)).status == 200
        return browser

    crowd.browsers = {
        "anonymous": Browser(world),
        "owes": owes,
        "enroll": nothing,
        "fresh": fresh,
        "stale": stale,
        "locked": locked,
        "other user": await proven(bob_first),
        "other tenant": await proven(namesake_first),
    }
    crowd.browsers |= {state: await proven(before, groups_of[state]) for state, before in desks.items()}
    crowd.browsers |= {
        "admin owes": await world.browser("boss", groups=["admin"]),
        "admin stale": stale_boss,
        "admin": await proven(stale_boss, ["admin"]),
    }
    account = await world.account()
    crowd.names = {
        "totp": await fresh.authenticator("totp"),
        "email": email,
        "backup": await fresh.authenticator("backup-code"),
        "browser": next(b.id for b in account.browsers),
        "challenge": issued["challenge"],
        "draft": draft["enrollment"],
        "sms_code": world.sms.codes[-1],
        "code": world.email.codes[-1],
    }
    crowd.names["totp_code"] = owes.totp(1)
    for browser in crowd.browsers.values():
        if browser.id and not browser.handle:
            await browser.page("/mfa/nothing")
    crowd.keep()
    return crowd
