"""The example tells the gate about its own people, each in their own organization."""

from __future__ import annotations

from example_app.parts import Parts
from mfa_gate import Subject


async def test_contacts_are_of_one_organization(parts: Parts) -> None:
    """An id that another organization uses has no contacts there: nobody writes to a stranger."""
    name = "user@screening.example"
    assert (await parts.identity.contacts(Subject(id=name, tenant="screening"))).email == name
    assert (await parts.identity.contacts(Subject(id=name, tenant="finance"))).email == ""
