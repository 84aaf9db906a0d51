"""The Deflated Sharpe Ratio: how sure can one be of the best of many trials?

The Probabilistic Sharpe Ratio is the probability that a true Sharpe ratio exceeds a benchmark SR0,
given the measured one, its bars T, and the skewness g3 and kurtosis g4 of the returns:

    PSR(SR0) = Phi[ (SR - SR0) sqrt(T - 1) / sqrt(1 - g3 SR + (g4 - 1)/4 SR^2) ]

The Deflated Sharpe Ratio puts the Sharpe ratio that the best of N worthless trials is expected to
show in place of SR0:

    SR0 = sqrt(V) [ (1 - gamma) Phi^-1(1 - 1/N) + gamma Phi^-1(1 - 1/(N e)) ]

Source: Bailey & Lopez de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40(5),
2014.  Two things there are left to the user, and decided here:

- *N, the independent trials.*  Neighbouring windows trade almost alike.  N is the number of independent
  trials whose best would be as high as the best of these: the expected maximum of normal draws that
  have the trials' own correlation (over segments of bars), solved for N.  Counting eigenvalues
  (participation ratio, effective rank) gave too few: 8 to 12 % false positives on noise.
- *V, the variance of a trial's Sharpe ratio under luck.*  The variance across trials, as in the paper,
  but at least the sampling variance 1/(T - 1): trials that resemble each other also err together.

All Sharpe ratios here are per bar.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from steelyard.research.moments import VARIANCE_ROUNDING, Floats

DRAWS = 512
"""Normal draws behind the number of independent trials, each used with both signs."""
DRAWS_SEED = 20140901
TRIALS_PER_CHUNK = 2048
TRIALS_MAX = 1e12


@dataclass(frozen=True, slots=True)
class DeflatedSharpe:
    """What is left of the best Sharpe ratio once the search for it is allowed for.

    Attributes:
        probability: the Deflated Sharpe Ratio, 0..1; 0.95 and more is taken for evidence.
        sharpe: of the best trial, per bar.
        luck_sharpe: the best Sharpe ratio that luck alone is expected to find (SR0), per bar.
        trials: trials with a defined Sharpe ratio.
        independent_trials: the number of independent trials they amount to.
    """

    probability: float
    sharpe: float
    luck_sharpe: float
    trials: int
    independent_trials: float


def deflated_sharpe(returns: Floats, trial_sharpes: Floats, trial_segments: Floats) -> DeflatedSharpe:
    """Deflate the Sharpe ratio of the chosen trial.

    Args:
        returns: bar returns of the chosen trial, shape (T,).
        trial_sharpes: per bar, of all trials, shape (N,); NaN where a trial never traded.
        trial_segments: sums of the trials' returns over segments of bars, shape (N, S).

    Returns:
        Probability 0 where the chosen trial's Sharpe ratio is undefined: nothing was shown.
    """
    bars = len(returns)
    defined = trial_sharpes[np.isfinite(trial_sharpes)]
    independent = independent_trials(trial_segments)
    variance = max(float(defined.var(ddof=1)) if len(defined) > 1 else 0.0, 1 / max(bars - 1, 1))
    luck = math.sqrt(variance) * expected_maximum(independent)
    sharpe, skewness, kurtosis = _shape(returns)
    probability = probabilistic_sharpe(sharpe, luck, bars=bars, skewness=skewness, kurtosis=kurtosis)
    return DeflatedSharpe(probability, sharpe, luck, len(defined), independent)


def probabilistic_sharpe(sharpe: float, benchmark: float, *, bars: int, skewness: float, kurtosis: float) -> float:
    """Probability that the true Sharpe ratio exceeds ``benchmark``, both per bar; kurtosis of a normal is 3."""
    if not math.isfinite(sharpe) or bars < 2:
        return 0.0
    spread = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2
    # A sample's own moments keep this positive (kurtosis >= skewness^2 + 1); the guard is for rounding.
    return float(ndtr((sharpe - benchmark) * math.sqrt((bars - 1) / max(spread, 1e-12))))


def expected_maximum(trials: float) -> float:
    """Expected maximum of ``trials`` independent standard normals, 0 for one."""
    if trials <= 1:
        return 0.0
    return max(
        0.0, float((1 - np.euler_gamma) * ndtri(1 - 1 / trials) + np.euler_gamma * ndtri(1 - 1 / (trials * math.e)))
    )


def independent_trials(segments: Floats) -> float:
    """Independent trials whose expected maximum equals that of these correlated ones.

    Args:
        segments: returns by segment, shape (N, S); the correlation over segments is taken.

    Returns:
        At least 1; trials that never vary do not count.
    """
    centred = segments - segments.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1))
    moving = length > VARIANCE_ROUNDING * np.abs(segments).sum(axis=1)
    if not moving.any():
        return 1.0
    highest = _expected_maximum_of_draws(centred[moving] / length[moving, None])
    if highest <= expected_maximum(1.5):  # too little spread for the formula to tell from one trial
        return 1.0
    log_trials = brentq(lambda log: expected_maximum(math.exp(log)) - highest, 0.0, math.log(TRIALS_MAX))
    return math.exp(log_trials)


def _expected_maximum_of_draws(directions: Floats) -> float:
    # A row of unit length times independent normals is a standard normal, and two rows correlate as the trials do.
    draws = np.random.Generator(np.random.Philox(DRAWS_SEED)).standard_normal((directions.shape[1], DRAWS))
    highest, lowest = np.full(DRAWS, -np.inf), np.full(DRAWS, np.inf)
    for first in range(0, len(directions), TRIALS_PER_CHUNK):
        values = directions[first : first + TRIALS_PER_CHUNK] @ draws
        np.maximum(highest, values.max(axis=0), out=highest)
        np.minimum(lowest, values.min(axis=0), out=lowest)
    return float((highest - lowest).mean() / 2)


def _shape(returns: Floats) -> tuple[float, float, float]:
    """Sharpe ratio per bar, skewness and kurtosis of a sample; NaN, 0 and 3 where it does not vary."""
    centred = returns - returns.mean()
    variance = float((centred**2).mean())
    if len(returns) < 2 or variance <= VARIANCE_ROUNDING * float((returns**2).mean()):
        return math.nan, 0.0, 3.0
    sharpe = float(returns.mean()) / math.sqrt(variance * len(returns) / (len(returns) - 1))
    return sharpe, float((centred**3).mean()) / variance**1.5, float((centred**4).mean()) / variance**2
