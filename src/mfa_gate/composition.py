"""The composition root: it alone chooses the concrete parts of a gate, and joins them.

This module is imported when the first gate is made, so the name ``MFAGate`` costs an app next to nothing.
"""

from __future__ import annotations

from pathlib import Path

from .core.rules import Policy
from .gate_arguments import GateArguments, SoundArguments, examine, faults_of_policy
from .service import Service, Wiring
from .service.kept_forms import KeptForms
from .service.policy_life import PolicySource
from .settings import origin_and_root
from .system_clock import SystemClock
from .web.callers import Callers
from .web.cookies import Cookies
from .web.gate import Gate
from .web.lifespan import ChecksApp
from .web.message_forms import MessageForms
from .web.origin_faults import OriginLog
from .web.render import Renderer
from .web.site import Site


def compose(given: GateArguments, *, check: ChecksApp) -> Gate:
    """Join the parts of a gate. Raises ``SettingsError`` with every fault of the arguments.

    ``check`` lists the faults of the layers around an app.
    """
    sound = examine(given)
    service = _service(given, sound)
    return Gate(site=_site(given, sound, service), check=check, any_forwarder=given.accept_any_forwarder)


def _service(given: GateArguments, sound: SoundArguments) -> Service:
    origin, root = origin_and_root(given.public_url, given.relying_party)
    forms = MessageForms(templates=_own_templates(given), languages=sound.languages)
    wiring = Wiring(
        store=sound.store,
        keyring=sound.keyring,
        clock=given.clock or SystemClock(),
        entropy=given.entropy,
        senders=sound.senders,
        relying_party=given.relying_party,
        contacts=given.contacts,
        on_event=given.on_event,
        on_reset=given.on_reset,
        on_lock=given.on_lock,
        before_send=given.before_send,
        directory=given.directory,
        describe_network=given.describe_network,
        signals=given.signals,
        trusted_proxies=sound.trusted,
        origin=origin,
        prefix=given.prefix,
        root=root,
        app=given.app,
        factors=sound.factors,
        words=lambda lang: sound.languages.words(lang).gettext,
        letter_form=forms.letter,
        text_form=forms.text,
    )
    service = Service(wiring, sound.policy)
    if not isinstance(given.policy, Policy):
        service.policy_life.source = PolicySource(
            path=given.policy,
            check=lambda made: faults_of_policy(made, given, wiring.senders, sound.factors),
        )
    return service


def _site(given: GateArguments, sound: SoundArguments, service: Service) -> Site:
    origins = given.relying_party.web_origins
    https = all(origin.startswith("https:") for origin in origins)
    cookies = Cookies(sound.keyring, given.entropy, https=https)
    return Site(
        service=service,
        callers=Callers(
            service=service,
            identify=given.identify,
            cookies=cookies,
            trusted=sound.trusted,
            told_in=given.address_header.lower().encode(),
            reads_prefix=given.forwarded_prefix,
        ),
        cookies=cookies,
        renderer=Renderer(templates=_own_templates(given), factors=sound.factors, languages=sound.languages),
        languages=sound.languages,
        prefix=given.prefix,
        sign_in=given.sign_in,
        sign_out=given.sign_out,
        home=given.home,
        origins=origins,
        json_status=int(given.json_status),
        accept_refused_websockets=given.accept_refused_websockets,
        sign_in_again=given.sign_in_again,
        kept_forms=KeptForms(service.engine) if given.keep_forms else None,
        api_origins=tuple(given.api_origins),
        dev=given.dev,
        origin_log=OriginLog(given.relying_party.id, origins),
    )


def _own_templates(given: GateArguments) -> Path | None:
    return Path(given.templates) if given.templates else None
