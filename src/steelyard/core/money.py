"""Exact decimals: 28 digits, half-even, at the edges; scaled integers in kernels.

``Decimal`` in, ``Decimal`` out; a float is refused because it has already lost the value that was
meant.  One pair of functions converts to scaled integers and back, and checks that nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow

from steelyard.core.errors import InvalidInputError

CONTEXT = Context(prec=28, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
"""The context of every money calculation; the interpreter's own may have been changed by a library."""

_TEXT_LENGTH_MAX = 64
_INT64_MAX = 2**63 - 1


def exact_decimal(value: Decimal | int | str, *, name: str = "value") -> Decimal:
    """Read ``value`` as a finite ``Decimal`` without rounding it.

    Raises:
        InvalidInputError: a float, a bool, NaN, an infinity, text that is no number or is too long.
    """
    if isinstance(value, bool | float):
        msg = f"`{name}` was {value!r}, a {type(value).__name__}; give a Decimal, an int or text so that it stays exact"
        raise InvalidInputError(msg, code="NOT_A_DECIMAL")
    if isinstance(value, str) and len(value) > _TEXT_LENGTH_MAX:
        msg = f"`{name}` had {len(value)} characters; a number has at most {_TEXT_LENGTH_MAX}"
        raise InvalidInputError(msg, code="NOT_A_DECIMAL")
    try:
        number = Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        raise InvalidInputError(f"`{name}` was {value!r}, which is not a number", code="NOT_A_DECIMAL") from None
    if not number.is_finite():
        raise InvalidInputError(f"`{name}` was {value!r}; it must be finite", code="NOT_A_DECIMAL")
    return number


def to_scaled(value: Decimal, *, digits: int, name: str = "value") -> int:
    """``value`` in units of ``10**-digits``, as an int that fits 64 bits.

    Raises:
        InvalidInputError: ``value`` has more decimals than ``digits``, or leaves the 64-bit range.
    """
    scaled = value.scaleb(digits, Context(prec=80))
    whole = int(scaled)
    if scaled != whole:
        raise InvalidInputError(f"`{name}` was {value}; it has more than {digits} decimals", code="NOT_EXACT")
    if abs(whole) > _INT64_MAX:
        raise InvalidInputError(f"`{name}` was {value}; it does not fit 64 bits at {digits} decimals", code="NOT_EXACT")
    return whole


def from_scaled(units: int, *, digits: int) -> Decimal:
    """The exact inverse of :func:`to_scaled`."""
    return Decimal(units).scaleb(-digits, Context(prec=80))


def quantize(value: Decimal, *, digits: int) -> Decimal:
    """``value`` rounded half-even to ``digits`` decimals, trailing zeros kept."""
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN, context=Context(prec=80))


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An exact amount of one currency; amounts of two currencies never mix.

    Attributes:
        amount: any sign.
        currency: ISO 4217 code, three capital letters.
    """

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not (len(self.currency) == 3 and self.currency.isascii() and self.currency.isupper()):
            raise InvalidInputError(f"`currency` was {self.currency!r}; it is three capital letters such as USD")
        exact_decimal(self.amount, name="amount")

    def __add__(self, other: Money) -> Money:
        return Money(CONTEXT.add(self.amount, self._same_currency(other)), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(CONTEXT.subtract(self.amount, self._same_currency(other)), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __mul__(self, factor: Decimal | int) -> Money:
        return Money(CONTEXT.multiply(self.amount, exact_decimal(factor, name="factor")), self.currency)

    def _same_currency(self, other: Money) -> Decimal:
        if self.currency != other.currency:
            msg = f"cannot combine {self.currency} with {other.currency}: convert one of them first"
            raise InvalidInputError(msg, code="CURRENCY_MISMATCH")
        return other.amount
