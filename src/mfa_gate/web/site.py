"""The parts that all addresses of the gate share.

The frame of a page that knows no visitor is made of them.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field

from ..core.entropy import draw_ref
from ..core.rules import Rules
from ..core.web_address import read_address
from ..ports import SignInAgain
from ..service import Service
from ..service.kept_forms import KeptForms
from .brand_files import BrandFiles, logos
from .callers import Callers
from .cookies import Cookies
from .forms import READ_TIMEOUT
from .i18n import Languages
from .origin_faults import OriginLog
from .render import Renderer
from .scope import own_place, root_of
from .sign_out import SignOutForm
from .types import Scope
from .views import Frame, Language

log = logging.getLogger("mfa_gate")
MAX_LOGGED = 200
MAX_RETURN = 1024
FRAGMENT = re.compile(r"[A-Za-z0-9._~!$&()*+,;=:@%/?-]*")
"""The fragment of an address that the browser is led on to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The parts that all our own addresses share.

    ``sign_in``, ``sign_out`` and ``home`` are paths of the host, as the host's own router sees them.
    ``body_within`` is the seconds that the body of a request has to come in.
    """

    service: Service
    callers: Callers
    cookies: Cookies
    renderer: Renderer
    prefix: str
    sign_in: str
    sign_out: str
    home: str
    origins: tuple[str, ...]
    json_status: int = 403
    accept_refused_websockets: bool = False
    kept_forms: KeptForms | None = None
    sign_in_again: SignInAgain | None = None
    api_origins: tuple[str, ...] = ()
    dev: bool = False
    sign_out_form: SignOutForm = field(default_factory=SignOutForm)
    body_within: float = READ_TIMEOUT
    brand_files: BrandFiles = field(default_factory=BrandFiles)
    languages: Languages = field(default_factory=Languages)
    shown_languages: tuple[Language, ...] = field(init=False)
    origin_log: OriginLog

    def __post_init__(self) -> None:
        shown = tuple(Language(tag=tag, name=name) for tag, name in self.languages.named())
        object.__setattr__(self, "shown_languages", shown)

    def plain_frame(self, scope: Scope, rules: Rules) -> Frame:
        """Make the frame of a page that knows no visitor, as ``rules`` say."""
        engine, prefix, lang = self.service.engine, root_of(scope) + self.prefix, self.languages.of(scope)
        logo, logo_dark = logos(f"{prefix}/static/", rules.brand)
        contact, owner = self.languages.whom_to_ask(rules, lang)
        return Frame(
            prefix=prefix,
            now=engine.now(),
            brand_name=rules.brand.name or engine.wiring.relying_party.name,
            brand=rules.brand,
            logo=logo,
            logo_dark=logo_dark,
            help_url=rules.brand.help_url,
            contact=contact,
            owner=owner,
            lang=lang,
        )

    def reference_for(self, scope: Scope, reason: str, *, place: str = "") -> str:
        """Make a reference for a refusal that changed nothing, and write it to the log.

        The trail has no line of it: anybody may ask for any address. ``place`` stands for an address that is a secret.
        """
        place = place or own_place(scope)[:MAX_LOGGED]
        ref = draw_ref(self.service.engine.wiring.entropy(32), reason)
        log.info("mfa_gate: %s %s is refused: %s (ref %s)", scope["method"], place, reason, ref)
        return ref

    def is_front_end(self, address: str) -> bool:
        """Tell if an address lies on a listed front end, and on no other site in any reading."""
        if not self.api_origins:
            return False
        place, _, fragment = address.partition("#")
        found = read_address(place) if len(address) <= MAX_RETURN and FRAGMENT.fullmatch(fragment) else None
        if found is None or found.url not in (place, f"{place}/"):
            return False
        return any(found.url.startswith(f"{origin}/") for origin in self.api_origins)
