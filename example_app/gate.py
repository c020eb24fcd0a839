"""Mount the gate: the few lines that a developer writes."""

from __future__ import annotations

from mfa_gate import Event, MFAGate, RelyingParty, Senders, Subject
from mfa_gate.ports import Message

from . import data
from .outbox import OutboxSender
from .parts import Parts

__all__ = ["gate_of"]


def gate_of(parts: Parts) -> MFAGate:
    """Make the gate over the app's parts.

    Raises ``SettingsError`` with every fault of policy, keys, store and senders.
    """
    settings = parts.settings
    sender = OutboxSender(parts.outbox, secret=data.read_secret(settings.data))

    def on_reset(subject: Subject, event: Event) -> None:
        reset_password(parts, subject)

    return MFAGate(
        policy=data.policy_path(settings.data),
        identify=parts.identity.identify,
        contacts=parts.identity.contacts,
        store=settings.store_url,
        keys=data.keys(settings.data),
        senders=Senders(email=sender, sms=sender, voice=sender, push=sender),
        relying_party=RelyingParty(id="localhost", name="Example", origins=[settings.origin]),
        # So that another address can be tried with a header, too; in production: your load balancer's network.
        trusted_proxies=["127.0.0.1", "::1"],
        sign_in="/login",
        sign_out="/logout",
        on_reset=on_reset,
        clock=parts.clock,
    )


def reset_password(parts: Parts, subject: Subject) -> None:
    """Replace the password of a person whose factors an administrator has removed.

    The person gets a temporary one.
    """
    account = parts.accounts.account(subject.id)
    if account is None or account.tenant != subject.tenant:
        return
    password = parts.accounts.set_temporary_password(account.email)
    parts.outbox.add(
        Message(
            channel="email",
            to=account.email,
            tenant=account.tenant,
            subject="Your password was reset",
            text=f"Hello {account.name},\n\nyour sign-in was reset. Use this password the next time:\n\n"
            f"Temporary password: {password}\n\nThen set up your second step again.\n",
            key=f"reset-{subject.key}-{parts.clock.now():.0f}",
        )
    )
