"""Where prices come from: one port, ``fetch(symbol, start, end) -> frame``, and what stands behind it.

A frame has the columns ``ts`` (UTC, ``datetime64[ns]``), ``close`` and any of ``open, high, low,
volume``, oldest bar first; a provider's ``source`` goes into the manifest of what it fetched.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar, Protocol

from steelyard.core.errors import ConfigurationError, InvalidInputError, NotFoundError, UnavailableError
from steelyard.market.calendars import DAY_S, bar_times, periods_per_year
from steelyard.market.manifest import Source, check_symbol
from steelyard.market.synthetic import Recipe, generate_bars
from steelyard.market.window import When, Window, parse_time

if TYPE_CHECKING:
    import pandas as pd

SYNTHETIC_BARS_MAX = 5_000_000
SPACINGS_S = {"day": DAY_S, "hour": 3_600.0, "minute": 60.0}


class Provider(Protocol):
    """A place that prices can be fetched from; ``changes`` says whether it may answer otherwise tomorrow."""

    changes: ClassVar[bool]

    @property
    def source(self) -> Source:
        """What is said about its prices."""

    def fetch(self, symbol: str, start: When = None, end: When = None) -> pd.DataFrame:
        """Bars of ``symbol`` from ``start`` to ``end``, both included; None is as far as there is.

        Raises:
            NotFoundError: UNKNOWN_TICKER.
            UnavailableError: the place does not answer.
        """


@dataclass(frozen=True, slots=True)
class Bundled:
    """Real daily adjusted closes that the package skfolio ships, offline.

    Attributes:
        loader: name of the function in ``skfolio.datasets``.
        title: what its prices are.
    """

    changes: ClassVar[bool] = False
    loader: str
    title: str

    @property
    def source(self) -> Source:
        """As :class:`Provider` says."""
        return Source(
            uri=f"pkg:pypi/skfolio@{version('skfolio')}#skfolio.datasets.{self.loader}",
            description=f"{self.title}, adjusted closes as shipped with skfolio {version('skfolio')}",
            licence="BSD-3-Clause (skfolio); for testing and examples, not for trading",
            calendar="XNYS",
            refresh="steelyard data import --from demo",
            dependencies=(f"skfolio=={version('skfolio')}",),
        )

    def fetch(self, symbol: str, start: When = None, end: When = None) -> pd.DataFrame:
        """As :class:`Provider` says."""
        closes = _bundled_closes(self.loader)
        if symbol not in closes:
            names = ", ".join(closes.columns)
            raise NotFoundError(f"{self.title} have no {symbol}; there are {names}.", code="UNKNOWN_TICKER")
        frame = closes[symbol].rename_axis("ts").rename("close").reset_index()
        return Window.of(start, end).cut_frame(frame.astype({"ts": "datetime64[ns]"}))


@lru_cache(maxsize=4)
def _bundled_closes(loader: str) -> pd.DataFrame:
    from skfolio import datasets  # noqa: PLC0415 - brings scikit-learn along, more than a second

    closes: pd.DataFrame = getattr(datasets, loader)()
    return closes


@dataclass(frozen=True, slots=True)
class Synthetic:
    """Bars made from a seed, from ``first_day`` to ``last_day`` unless asked for less.

    Attributes:
        spacing_s: between bars, seconds; a day or less.
    """

    changes: ClassVar[bool] = False
    seed: int
    calendar: str = "XNYS"
    spacing_s: float = DAY_S
    first_day: str = "2010-01-01"
    last_day: str = "2022-12-31"
    recipe: Recipe = field(default_factory=Recipe)
    refresh: str = "steelyard data import SYMBOL --from synthetic"

    @property
    def source(self) -> Source:
        """As :class:`Provider` says."""
        recipe = "&".join(f"{name}={value:g}" for name, value in asdict(self.recipe).items())
        return Source(
            uri=f"steelyard:synthetic?seed={self.seed}&{recipe}",
            description=f"synthetic prices, made by a generator from seed {self.seed}; no market ever had them",
            licence="CC0-1.0",
            calendar=self.calendar,
            refresh=self.refresh,
            synthetic=True,
            dependencies=(f"numpy=={version('numpy')}", f"scipy=={version('scipy')}"),
        )

    def fetch(self, symbol: str, start: When = None, end: When = None) -> pd.DataFrame:
        """As :class:`Provider` says.

        Raises:
            InvalidInputError: TOO_MANY_BARS, or a seed below 0.
        """
        check_symbol(symbol)
        if self.seed < 0:
            raise InvalidInputError(f"`seed` was {self.seed}; it is at least 0.")
        days = {"first_day": self.first_day, "last_day": self.last_day}
        first, last = (parse_time(name, text).astype("datetime64[D]") for name, text in days.items())
        if (most := (last - first).astype(int) * DAY_S / self.spacing_s) > 10 * SYNTHETIC_BARS_MAX:
            self._refuse_length(int(most))
        times = bar_times(self.calendar, first, last, self.spacing_s)
        if len(times) > SYNTHETIC_BARS_MAX:
            self._refuse_length(len(times))
        periods = periods_per_year(self.calendar, times)
        bars = generate_bars(symbol, times, seed=self.seed, periods_per_year=periods, recipe=self.recipe)
        return Window.of(start, end).cut_frame(bars)

    def _refuse_length(self, bars: int) -> None:
        raise InvalidInputError(
            f"{self.first_day} to {self.last_day} would be {bars} bars; at most {SYNTHETIC_BARS_MAX} are made at once.",
            code="TOO_MANY_BARS",
        )


@dataclass(frozen=True, slots=True)
class YFinance:
    """Daily adjusted bars by the package yfinance, an optional extra that needs the network."""

    changes: ClassVar[bool] = True
    calendar: str = "XNYS"
    timeout_s: float = 30.0

    @property
    def source(self) -> Source:
        """As :class:`Provider` says."""
        return Source(
            uri="https://finance.yahoo.com",
            description="daily bars adjusted for splits and dividends, fetched by yfinance",
            licence="Yahoo's terms of service; personal use",
            calendar=self.calendar,
            refresh="steelyard data import SYMBOL --from yfinance",
            dependencies=(f"yfinance=={version('yfinance')}",),
        )

    def fetch(self, symbol: str, start: When = None, end: When = None) -> pd.DataFrame:
        """As :class:`Provider` says.

        Raises:
            ConfigurationError: YFINANCE_MISSING, the extra is not installed.
        """
        check_symbol(symbol)
        window = Window.of(start, end)
        try:
            import yfinance  # noqa: PLC0415 - an optional extra
        except ImportError as error:
            message = "the package yfinance is not installed; add it with: pip install 'steelyard[yfinance]'"
            raise ConfigurationError(message, code="YFINANCE_MISSING") from error
        try:
            table = yfinance.Ticker(symbol).history(
                period="max", auto_adjust=True, actions=False, timeout=self.timeout_s, raise_errors=True
            )
        except Exception as error:
            reason = f"{type(error).__name__}: {str(error)[:200]}"
            message = f"yfinance could not fetch {symbol} ({reason}); are you online, and is the symbol right?"
            raise UnavailableError(message, code="PROVIDER_UNAVAILABLE") from error
        frame = table.rename(columns=str.lower).rename_axis(index="ts")
        frame.index = frame.index.tz_localize(None).normalize().astype("datetime64[ns]")  # the session's date
        return window.cut_frame(frame[["open", "high", "low", "close", "volume"]].astype(float).reset_index())
