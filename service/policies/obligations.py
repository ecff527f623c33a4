"""What a reader owes for what it is given, as bits beside every record: asking, telling, keeping, and Europol's codes.

The order is part of every compiled policy: add at the end, never reorder.
"""

from collections.abc import Iterable
from typing import Final, Literal

Obligation = Literal[
    "ask_originator",  # before any onward use
    "notify_owner",  # of what was done with it
    "no_export",  # not in bulk, not to a file
    "no_onward",  # not to a third party
    "no_judicial_use",  # Europol H1: not as evidence without permission
    "originator_authorises",  # Europol H2: no dissemination without the originator
    "h3_named_conditions",  # Europol H3: other conditions, named by the owner
]
OBLIGATIONS: Final[tuple[Obligation, ...]] = (
    "ask_originator",
    "notify_owner",
    "no_export",
    "no_onward",
    "no_judicial_use",
    "originator_authorises",
    "h3_named_conditions",
)


def bits(names: Iterable[Obligation]) -> int:
    """Bit n is OBLIGATIONS[n]."""
    return sum(1 << OBLIGATIONS.index(name) for name in set(names))


def named(duties: int) -> tuple[Obligation, ...]:
    """The obligations whose bits are set, in bit order: the inverse of `bits`."""
    return tuple(name for bit, name in enumerate(OBLIGATIONS) if duties >> bit & 1)
