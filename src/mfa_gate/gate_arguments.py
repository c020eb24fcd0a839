"""The arguments of ``MFAGate``. They are examined together, so that all faults are told."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from .argument_types import faults_of_types
from .core.events import Event
from .core.model import Subject
from .core.networks import Proxy
from .core.rules import Policy
from .errors import SettingsError
from .factors import BUILT_IN, DEFAULT_FACTORS, Registry
from .factors.base import Factor
from .host_functions import faults_of_hooks, faults_of_identify
from .keyring import Keyring
from .optional_parts import faults_of_optional_parts
from .passkey_site import faults_of_passkey_site
from .policyfile import load_policy
from .policyfile.built import check_built
from .ports import (
    BeforeSend,
    Clock,
    ContactsOf,
    DescribeNetwork,
    DirectoryOf,
    Entropy,
    Identify,
    RelyingParty,
    Senders,
    SharedSignals,
    SignInAgain,
)
from .service.shared_signals import faults_of_signals
from .settings import (
    faults_of_api_origins,
    faults_of_app,
    faults_of_forwarding,
    faults_of_parts,
    faults_of_places,
    faults_of_prefix,
    faults_of_public_url,
    faults_of_relying_party,
    proxies_of,
)
from .storage import Store
from .stores import store_from_url
from .stores.common.platform import fault_of_platform
from .web.catalogue_check import read_catalogues
from .web.forwarders import fault_of_environment
from .web.i18n import Languages
from .web.template_check import faults_of_templates

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateArguments:
    """The arguments of ``MFAGate``, as they were given. Its docstring explains them."""

    policy: str | os.PathLike[str] | Policy
    identify: Identify
    store: str | Store
    keys: Sequence[str]
    relying_party: RelyingParty
    factors: Sequence[Factor] | Literal["default"]
    contacts: ContactsOf | None
    senders: Senders | None
    trusted_proxies: Sequence[str]
    prefix: str
    sign_in: str
    sign_out: str
    home: str
    json_status: int
    accept_refused_websockets: bool
    keep_forms: bool
    sign_in_again: SignInAgain | None
    api_origins: Sequence[str]
    public_url: str
    app: str
    on_event: Callable[[Event], object] | None
    on_reset: Callable[[Subject, Event], object] | None
    on_lock: Callable[[Subject, Event], object] | None
    before_send: BeforeSend | None
    directory: DirectoryOf | None
    describe_network: DescribeNetwork | None
    signals: SharedSignals | None
    clock: Clock | None
    entropy: Entropy
    templates: str | os.PathLike[str] | None
    catalogues: str | os.PathLike[str] | None
    accept_any_forwarder: bool
    address_header: str
    forwarded_prefix: bool
    dev: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundArguments:
    """The parts that the arguments of a gate stand for, found to be sound."""

    policy: Policy
    store: Store
    keyring: Keyring
    factors: Registry
    senders: Senders
    trusted: tuple[Proxy, ...]
    languages: Languages


def examine(given: GateArguments) -> SoundArguments:
    """Make the parts that the arguments stand for.

    Raises ``SettingsError`` with every fault found.
    """
    if unfit := fault_of_platform():
        raise SettingsError(unfit)
    factors = DEFAULT_FACTORS if given.factors == "default" else given.factors
    faults = faults_of_types(
        policy=given.policy,
        store=given.store,
        keys=given.keys,
        relying_party=given.relying_party,
        factors=factors,
        senders=given.senders,
        signals=given.signals,
        trusted_proxies=given.trusted_proxies,
        clock=given.clock,
        entropy=given.entropy,
        accept_any_forwarder=given.accept_any_forwarder,
        accept_refused_websockets=given.accept_refused_websockets,
        keep_forms=given.keep_forms,
        dev=given.dev,
    )
    if faults:  # everything below reads these arguments
        raise SettingsError(faults)
    registry = _collect(faults, lambda: Registry(factors))
    known = BUILT_IN if registry is None else registry
    policy = _collect(faults, lambda: _policy_of(given.policy, known))
    store = _collect(faults, lambda: store_from_url(given.store) if isinstance(given.store, str) else given.store)
    keyring = _collect(faults, lambda: Keyring(given.keys))
    faults += _faults_of_addresses(given)
    trusted, wrong = proxies_of(given.trusted_proxies)
    faults += wrong
    faults += faults_of_forwarding(given.address_header, given.forwarded_prefix, bool(given.trusted_proxies))
    senders = given.senders or Senders()
    blind = faults_of_identify(given.identify)
    faults += blind + faults_of_optional_parts(None if blind else given.identify, senders, store, factors)
    faults += faults_of_app(given.app)
    faults += faults_of_templates(given.templates, known)
    languages, wrong = read_catalogues(given.catalogues)
    faults += wrong
    faults += faults_of_hooks(
        on_event=given.on_event,
        on_lock=given.on_lock,
        on_reset=given.on_reset,
        before_send=given.before_send,
        contacts=given.contacts,
        directory=given.directory,
        describe_network=given.describe_network,
        sign_in_again=given.sign_in_again,
    )
    faults += [] if given.signals is None else faults_of_signals(given.signals)
    if policy is not None and registry is not None:
        faults += faults_of_policy(policy, given, senders, registry)
    if faults or registry is None or policy is None or store is None or keyring is None:
        raise SettingsError(faults)
    return SoundArguments(
        policy=policy,
        store=store,
        keyring=keyring,
        factors=registry,
        senders=senders,
        trusted=trusted,
        languages=languages,
    )


def faults_of_policy(policy: Policy, given: GateArguments, senders: Senders, factors: Registry) -> list[str]:
    """Find the demands of a policy that the other arguments of the gate do not meet."""
    return [
        *faults_of_parts(policy, senders, given.contacts, factors),
        *faults_of_passkey_site(policy, given.relying_party, factors),
    ]


def _faults_of_addresses(given: GateArguments) -> list[str]:
    faults = [
        *faults_of_relying_party(given.relying_party),
        *faults_of_api_origins(given.api_origins, given.relying_party),
        *faults_of_public_url(given.public_url, given.relying_party),
        *(wrong := faults_of_prefix(given.prefix)),
        *faults_of_places(
            prefix="/mfa" if wrong else given.prefix, sign_in=given.sign_in, sign_out=given.sign_out, home=given.home
        ),
    ]
    if not isinstance(given.json_status, int) or given.json_status not in (401, 403):
        faults.append(f"json_status={given.json_status!r}: must be 403 or 401")
    if not given.accept_any_forwarder and (server := fault_of_environment()):
        faults.append(server)
    return faults


def _policy_of(given: str | os.PathLike[str] | Policy, factors: Registry) -> Policy:
    return check_built(given, factors=factors) if isinstance(given, Policy) else load_policy(given, factors=factors)


def _collect(faults: list[str], make: Callable[[], T]) -> T | None:
    try:
        return make()
    except SettingsError as error:
        faults += error.faults
    except ValueError as error:
        faults.append(str(error))
    return None
