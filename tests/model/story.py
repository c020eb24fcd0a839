"""Random lists of deeds, and the shortest one that still shows a difference."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from .deed import Deed
from .deeds import ALL
from .stage import Stage

Step = tuple[str, dict[str, Any]]
Story = list[Step]
LEFT_OUT = 0.2
"""The share of deeds that one story does without, so that the others meet more often."""
BY_NAME = {deed.name: deed for deed in ALL}


class Difference(AssertionError):
    """The error for a story in which the gate and the reference differ.

    Its text can be pasted into a test.
    """


def drawn(chance: random.Random, steps: int, deeds: Sequence[Deed] = ALL) -> Story:
    """Draw a story of so many steps."""
    chosen = [deed for deed in deeds if chance.random() >= LEFT_OUT] or list(deeds)
    picked = chance.choices(chosen, weights=[deed.often for deed in chosen], k=steps)
    return [(deed.name, {name: chance.choice(values) for name, values in deed.given.items()}) for deed in picked]


def tell(stage: type[Stage], story: Story) -> int:
    """Tell a story from its beginning. Returns the number of its steps.

    Raises where the gate and the reference differ.
    """
    life = stage()
    try:
        life.begin()
        for name, given in story:
            life.step(BY_NAME[name], given)
        life.finish()
        return life.steps
    finally:
        life.close()


def differs(stage: type[Stage], story: Story) -> Exception | None:
    """Return the difference that a story shows, if any."""
    try:
        tell(stage, story)
    except Exception as error:  # noqa: BLE001 - any difference and any fault of the gate is a finding
        return error
    return None


def shortest(stage: type[Stage], story: Story) -> Story:
    """Leave out of a story what its difference does not need."""
    size = len(story) // 2
    while size:
        at = 0
        while at < len(story):
            shorter = story[:at] + story[at + size :]
            if differs(stage, shorter) is not None:
                story = shorter
            else:
                at += size
        size //= 2
    return story


def live(stage: type[Stage], *, lives: int, steps: int, seed: int | str, shorten: bool = True) -> int:
    """Tell so many random stories. Returns the number of steps.

    Raises ``Difference`` with the shortest story that shows one, or with the whole one.
    """
    chance = random.Random(f"{seed}")
    told = 0
    for _ in range(lives):
        story = drawn(chance, steps)
        try:
            told += tell(stage, story)
        except Exception as first:  # noqa: BLE001 - the shortest story says it again
            story = shortest(stage, story) if shorten else story
            again = differs(stage, story)
            said = repr(again) if again else f"{first!r}, which did not come a second time,"
            lines = "\n".join(f"    {step!r}," for step in story)
            raise Difference(f"{said}\nin the story\n{lines}") from again or first
    return told
