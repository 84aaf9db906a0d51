"""Whole-share quantities: our integer kernel against a MILP for each portfolio.

Gate first: 1,000 random portfolios, some of them infeasible and some bound by their cash, solved by
CVXPY + HiGHS from the document's own inequalities and compared in exact integers.  Then time, in
interleaved rounds on one core: 10,000 portfolios of 100 positions in one call with every answer
verified, the same by plain numpy int64 without cash repair and verification, and single MILPs of
100 positions.

    python benchmarks/whole_shares_vs_milp.py [--cases 1000] [--rounds 7]

The last line is JSON: us_per_portfolio, ratio_vs_milp, mismatches.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import cvxpy as cp
import numpy as np
import numpy.typing as npt

from steelyard.models.solution import ShareProblem, Status, solve_shares

UNIT = 1_000
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Case:
    """One portfolio: cents, weights in thousandths."""

    value: int
    target: Ints
    low: Ints
    high: Ints
    price: Ints


def main() -> None:
    """Check, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1_000, help="random portfolios of the equality gate")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds of timing")
    arguments = parser.parse_args()
    mismatches = compare(arguments.cases)
    figures = measure(arguments.rounds)
    print(json.dumps({**figures, "mismatches": mismatches}))
    sys.exit(mismatches > 0)


def compare(cases: int) -> int:
    """How many of the random portfolios the kernel and the MILP disagree on."""
    rng = np.random.default_rng(20240607)
    seen: Counter[str] = Counter()
    mismatches = 0
    for number in range(cases):
        case = random_case(rng, tight=number % 3 == 0)
        solution = solve_shares(as_problem([case]))
        ours = int(solution.objective[0]) if solution.status[0] == Status.OPTIMAL else None
        theirs = milp_objective(case)
        seen["infeasible" if ours is None else "cash binds" if solution.repaired[0] else "nearest"] += 1
        if ours != theirs:
            mismatches += 1
            print(f"case {number}: ours {ours}, MILP {theirs}: {case}")
    print(f"{cases} random portfolios against CVXPY + HiGHS: {dict(seen)}, {mismatches} mismatches")
    return mismatches


def measure(rounds: int) -> dict[str, float]:
    """Median times, each round all three contestants in turn."""
    rng = np.random.default_rng(1)
    portfolios, positions = 10_000, 100
    target = 5 * rng.integers(1, 3, positions)
    price = rng.integers(500, 60_000, positions)
    value = rng.integers(100_000_00, 10_000_000_00, portfolios)
    low, high = np.full(positions, 3), np.full(positions, 5)
    problem = ShareProblem(value, target, low, high, np.broadcast_to(price, (portfolios, positions)).copy(), UNIT)
    solution = solve_shares(problem)
    outcome = Counter(Status(int(code)).name for code in solution.status)
    lone = Case(int(value[0]), target, low, high, price)

    times: dict[str, list[float]] = {"kernel": [], "numpy": [], "milp": []}
    for _ in range(rounds):
        times["kernel"].append(timed(lambda: solve_shares(problem)) / portfolios)
        times["numpy"].append(timed(lambda: numpy_sketch(problem)) / portfolios)
        times["milp"].append(timed(lambda: milp_objective(lone)))
    median = {name: statistics.median(seconds) * 1e6 for name, seconds in times.items()}
    print(f"{portfolios} portfolios of {positions}: {dict(outcome)}, {int(solution.repaired.sum())} bound by cash")
    for name, label in (
        ("kernel", "kernel, verified, one core"),
        ("numpy", "numpy int64, no repair, unverified"),
        ("milp", "CVXPY + HiGHS, one at a time"),
    ):
        print(f"  {label:36} {median[name]:12.3f} us a portfolio   (best {min(times[name]) * 1e6:.3f})")
    bound = timed_cash_bound(problem, solution.quantity)
    print(f"  {'kernel, every portfolio bound by cash':36} {bound:12.3f} us a portfolio")
    return {
        "us_per_portfolio": round(median["kernel"], 3),
        "ratio_vs_milp": round(median["milp"] / median["kernel"]),
        "numpy_us_per_portfolio": round(median["numpy"], 3),
        "milp_us_per_portfolio": round(median["milp"], 1),
        "cash_bound_us_per_portfolio": round(bound, 1),
    }


def timed_cash_bound(problem: ShareProblem, nearest: Ints, portfolios: int = 200) -> float:
    """Microseconds for a portfolio whose nearest quantities cost 1 % too much: the slow case, on purpose."""
    spent = (nearest[:portfolios] * problem.price[:portfolios]).sum(axis=1)
    short = ShareProblem(
        problem.market_value[:portfolios],
        problem.target,
        problem.low,
        problem.high,
        problem.price[:portfolios],
        UNIT,
        budget=spent - spent // 100,
    )
    solve_shares(short)
    seconds = timed(lambda: solve_shares(short))
    return seconds / portfolios * 1e6


def random_case(rng: np.random.Generator, *, tight: bool) -> Case:
    """Between 2 and 12 positions; ``tight`` ones hold few units each and nearly all of the value."""
    positions = int(rng.integers(2, 13))
    value = int(rng.integers(100_00, 10_000_00))
    shares = rng.dirichlet(np.ones(positions)) * (190 if tight else rng.integers(60, 190))
    target = 5 * shares.astype(np.int64)
    units = rng.uniform(0.5, 4, positions) if tight else rng.uniform(1, 60, positions)
    price = np.maximum((value * np.maximum(target, 5) / UNIT / units).astype(np.int64), 1)
    widest = 400 if tight else 80
    return Case(value, target, rng.integers(0, widest, positions), rng.integers(0, widest, positions), price)


def as_problem(cases: list[Case]) -> ShareProblem:
    """Cases of one size as the kernel takes them."""
    columns = ([getattr(case, name) for case in cases] for name in ("target", "low", "high", "price"))
    target, low, high, price = (np.array(column, dtype=np.int64) for column in columns)
    return ShareProblem(np.array([case.value for case in cases]), target, low, high, price, UNIT)


def milp_objective(case: Case) -> int | None:
    """The optimum from the document's inequalities in floats, read back in exact integers; None if infeasible."""
    value, price = case.value / 100, case.price / 100
    units = cp.Variable(len(price), integer=True)
    holds = cp.multiply(price, units)
    rows = [
        units >= 0,
        holds >= value * (case.target - case.low) / UNIT,
        holds <= value * (case.target + case.high) / UNIT,
        cp.sum(holds) <= value,
    ]
    program = cp.Problem(cp.Minimize(cp.norm1(value * case.target / UNIT - holds)), rows)
    limits = {"mip_rel_gap": 0.0, "mip_abs_gap": 0.0, "time_limit": 30.0, "threads": 1}
    program.solve(solver="HIGHS", highs_options=limits)
    if program.status != cp.OPTIMAL:
        return None
    whole = [round(float(number)) for number in units.value]
    wanted = [case.value * int(weight) for weight in case.target]
    return sum(abs(w - UNIT * u * int(p)) for w, u, p in zip(wanted, whole, case.price, strict=True))


def numpy_sketch(problem: ShareProblem) -> Ints:
    """The nearest quantities and the two conditions, as numpy does them without a kernel."""
    value, step = problem.market_value[:, None], problem.unit * problem.price
    wanted = value * problem.target
    smallest = -((value * problem.low - wanted) // step)
    largest = (wanted + value * problem.high) // step
    below = wanted // step
    units = below + (2 * (wanted - below * step) > step)
    units = np.minimum(np.maximum(units, np.maximum(smallest, 0)), largest)
    feasible = (smallest <= largest).all(axis=1) & ((units * problem.price).sum(axis=1) <= problem.market_value)
    units[~feasible] = -1
    return np.asarray(units)


def timed(work: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
