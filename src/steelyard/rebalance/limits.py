"""The largest request that is accepted, each limit with its name and unit.

Lists beyond them are refused, as are numbers so large or small that their products leave the range
of exact decimals.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

ROWS_MAX = 20_000
"""Rows of any list of a request."""

LOTS_MAX = 2_000
"""Tax lots of one position."""

OPTION_KEYS_MAX = 200
"""Keys of a map, such as group constraints or a shelf row's attributes."""

SCENARIOS_MAX = 20
"""Scenarios of one what-if analysis."""

SCENARIO_CHARACTERS_MAX = 64
"""Characters of a scenario's name."""

HEADER_CHARACTERS_MAX = 200
"""Characters of a key, a correlation id, a tenant or a policy pack id in a header."""

NAME_CHARACTERS_MAX = 200
"""Characters of a portfolio's, an actor's or a policy pack's id and of a reason code."""

COMMENT_CHARACTERS_MAX = 10_000
"""Characters of a reviewer's comment."""

BOOK_ACCOUNTS_MAX = 20_000
"""Portfolios of one book."""

BOOK_MODELS_MAX = 500
"""Models of one book."""

BOOK_OPTION_SETS_MAX = 500
"""Different options in one book."""

SNAPSHOTS_PUT_MAX = 1_000
"""Snapshots stored with one request."""

MAGNITUDE_MAX = Decimal("1E30")
MAGNITUDE_MIN = Decimal("1E-30")
"""Every number is 0 or between these two in size."""

LOTS_TOLERANCE = Decimal("0.0001")
"""Units by which a position's lots may miss its quantity."""


def within_magnitude(value: Decimal) -> bool:
    """Whether ``value`` is finite and 0, or of a size that arithmetic stays exact with."""
    return value.is_finite() and (not value or MAGNITUDE_MIN <= abs(value) <= MAGNITUDE_MAX)


def lots_match(quantities: Sequence[Decimal], total: Decimal) -> bool:
    """Whether the lots' quantities add up to the position's, within the tolerance."""
    return abs(sum(quantities) - total) <= LOTS_TOLERANCE
