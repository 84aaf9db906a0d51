"""Probability of Backtest Overfitting by combinatorially symmetric cross-validation.

The bars are cut into S blocks.  For each of the C(S, S/2) ways to take half of them, the trial with
the best Sharpe ratio in that half is looked up in the other half: w is its relative rank there, and
the logit ln(w / (1 - w)) is negative where the winner ends below the median.  The share of
negative logits is the probability of overfitting; worthless trials give one half.

Source: Bailey, Borwein, Lopez de Prado & Zhu, "The Probability of Backtest Overfitting", Journal of
Computational Finance 20(4), 2017.

Ties would tilt the figure, so they are split: equal trials share the middle of their ranks, a logit
of exactly 0 counts half, and tied winners take turns from split to split.

The block sums are enough.  With A the sum of returns and B that of their squares over n bars, the
Sharpe ratio rises with A |A| / B, and n is the same for all trials: no mean and no root is needed.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numba import njit

from steelyard.core.errors import InvalidInputError
from steelyard.research.moments import Floats, Ints

BLOCKS = 16
BLOCKS_MAX = 20


@dataclass(frozen=True, slots=True, eq=False)
class CrossValidation:
    """What the splits say about the selection of the best trial.

    Attributes:
        pbo: probability of overfitting, 0..1; NaN with fewer than two trials.
        loss_probability: share of splits in which the winner loses money out of sample; NaN likewise.
        logits: of the winner's relative rank out of sample, one per split, shape (L,).
    """

    pbo: float
    loss_probability: float
    logits: Floats


def cross_validate(total: Floats, squares: Floats, *, threads: int = 1) -> CrossValidation:
    """Probability of overfitting of the choice by Sharpe ratio.

    Args:
        total: sums of returns by trial and block, shape (N, S), S even.
        squares: sums of squared returns, shape (N, S).
        threads: workers; the result does not depend on it.

    Raises:
        InvalidInputError: S is odd or out of 2..20.
    """
    trials, blocks = total.shape
    if blocks % 2 or not 2 <= blocks <= BLOCKS_MAX:
        raise InvalidInputError(f"`blocks` was {blocks}; cross-validation needs an even number from 2 to {BLOCKS_MAX}")
    if trials < 2:
        return CrossValidation(math.nan, math.nan, np.empty(0))

    half = blocks // 2
    low = _subset_sums(total[:, :half]), _subset_sums(squares[:, :half])
    high = np.ascontiguousarray(total[:, half:].T), np.ascontiguousarray(squares[:, half:].T)
    slots = _first_slots(half)
    logits, losses = np.empty(2 * slots[-1]), np.empty(2 * slots[-1], dtype=np.bool_)
    with ThreadPoolExecutor(threads) as pool:
        jobs = [
            pool.submit(_rank_winners, *low, *high, slots, worker, threads, logits, losses) for worker in range(threads)
        ]
        for job in jobs:
            job.result()
    pbo = float((logits < 0).mean() + (logits == 0).mean() / 2)
    return CrossValidation(pbo, float(losses.mean()), logits)


def _subset_sums(values: Floats) -> Floats:
    """Sums over every subset of the columns, shape (2**columns, N); bit k of the row takes column k."""
    sums = np.zeros((1 << values.shape[1], values.shape[0]))
    for column in range(values.shape[1]):
        bit = 1 << column
        sums[bit : 2 * bit] = sums[:bit] + values[:, column]
    return sums


def _first_slots(half: int) -> Ints:
    """Where the splits of each subset of the later blocks begin among all; the last entry is their number.

    A split and its mirror are one pair, the one that holds block 0; it takes ``half`` blocks in all.
    """
    pairs = [math.comb(half - 1, half - subset.bit_count() - 1) if subset.bit_count() < half else 0
             for subset in range(1 << half)]  # fmt: skip
    return np.concatenate([[0], np.cumsum(pairs)]).astype(np.int64)


@njit(nogil=True, cache=True)
def _rank_winners(low_a, low_b, high_a, high_b, slots, worker, workers, logits, losses):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Fill the logits of the splits whose subset of later blocks is ``worker`` modulo ``workers``."""
    half, trials = high_a.shape
    late_a, late_b = np.empty((2, trials)), np.empty((2, trials))
    inside, outside = np.empty(trials), np.empty(trials)
    for subset in range(worker, 1 << half, workers):
        later = _bits(subset)
        late_a[:] = 0.0
        late_b[:] = 0.0
        for block in range(half):
            side = 1 - (subset >> block & 1)
            late_a[side] += high_a[block]
            late_b[side] += high_b[block]
        slot = slots[subset]
        for early in range(1, 1 << half, 2):  # odd: block 0 is always inside, its mirror is the other half
            if _bits(early) + later != half:
                continue
            mirror = (1 << half) - 1 - early  # summed by itself: a difference would not be 0 where nothing was traded
            for trial in range(trials):
                inside[trial] = _sharpe_key(
                    late_a[0, trial] + low_a[early, trial], late_b[0, trial] + low_b[early, trial]
                )
                outside[trial] = _sharpe_key(
                    late_a[1, trial] + low_a[mirror, trial], late_b[1, trial] + low_b[mirror, trial]
                )
            _judge(inside, outside, slot, 2 * slot, logits, losses)
            _judge(outside, inside, slot, 2 * slot + 1, logits, losses)
            slot += 1


@njit(nogil=True, cache=True, inline="always")
def _sharpe_key(a, b):  # type: ignore[no-untyped-def]
    return a * abs(a) / b if b > 0.0 else 0.0


@njit(nogil=True, cache=True)
def _bits(number):  # type: ignore[no-untyped-def]
    count = 0
    while number:
        number &= number - 1
        count += 1
    return count


@njit(nogil=True, cache=True)
def _judge(chosen_by, judged_by, turn, slot, logits, losses):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    trials = chosen_by.shape[0]
    best = chosen_by.max()
    ties = 0
    for trial in range(trials):
        ties += chosen_by[trial] == best
    winner, skip = 0, turn % ties
    for trial in range(trials):
        if chosen_by[trial] == best:
            if skip == 0:
                winner = trial
                break
            skip -= 1
    value = judged_by[winner]
    below, equal = 0, 0
    for trial in range(trials):
        below += judged_by[trial] < value
        equal += judged_by[trial] == value
    rank = below + (equal + 1) / 2
    logits[slot] = np.log(rank / (trials + 1 - rank))
    losses[slot] = value < 0.0
