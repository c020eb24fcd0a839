"""Strawberry: GraphQL with its own page, and subscriptions on a websocket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import strawberry
from strawberry.asgi import GraphQL

from tests.third_party.door import behind_door


@strawberry.type
class Query:
    """Answer queries."""

    @strawberry.field
    def patient(self) -> str:
        """Name a patient."""
        return "T. Okoye"


@strawberry.type
class Subscription:
    """Answer subscriptions."""

    @strawberry.subscription
    async def beats(self) -> AsyncIterator[int]:
        """Count."""
        yield 72


app, gate = behind_door(GraphQL(strawberry.Schema(Query, subscription=Subscription)))
