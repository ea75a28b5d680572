"""What is done so that a timed figure can be trusted, as a user chooses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

Disturbed = Literal["repeat", "mark", "ignore"]
DISTURBED: Final[tuple[Disturbed, ...]] = get_args(Disturbed)
Pin = Literal["auto", "off"]
PIN: Final[tuple[Pin, ...]] = get_args(Pin)


@dataclass(frozen=True, slots=True)
class Care:
    """``disturbed``: what becomes of a process run that was; ``pin``: whether workers get cores of their own."""

    disturbed: Disturbed = "repeat"
    pin: Pin = "auto"


#: What is done unless the user chooses something else.
USUAL: Final = Care()
