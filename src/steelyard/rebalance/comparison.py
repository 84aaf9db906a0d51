"""How the other target method would have decided: a second opinion that changes nothing.

Source: contract dpm, section 6.5.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from steelyard.rebalance.market import Shelf
from steelyard.rebalance.result import Diagnostics, MethodComparison
from steelyard.rebalance.solver_target import solver_targets
from steelyard.rebalance.targets import TargetMethodFunction, Targets, heuristic_targets
from steelyard.rebalance.universe import Universe
from steelyard.rebalance.values import ZERO, EngineOptions, TargetMethod

METHODS: dict[TargetMethod, TargetMethodFunction] = {"HEURISTIC": heuristic_targets, "SOLVER": solver_targets}
_OTHER: dict[TargetMethod, TargetMethod] = {"HEURISTIC": "SOLVER", "SOLVER": "HEURISTIC"}


def compare_methods(
    primary: Targets,
    universe: Universe,
    options: EngineOptions,
    shelf: Shelf,
    *,
    model_ids: Iterable[str],
    diagnostics: Diagnostics,
) -> MethodComparison:
    """Run the method that was not asked for and note where the two part."""
    other, aside = _OTHER[options.target_method], Diagnostics()
    alternate = METHODS[other](universe, options, shelf, aside)
    if alternate.status != primary.status:
        diagnostics.warn("TARGET_METHOD_STATUS_DIVERGENCE")
    differing = _differing(primary, alternate, model_ids, options.compare_target_methods_tolerance)
    if differing:
        diagnostics.warn("TARGET_METHOD_WEIGHT_DIVERGENCE")
    return MethodComparison(
        options.target_method,
        primary.status,
        other,
        alternate.status,
        options.compare_target_methods_tolerance,
        differing,
        sorted(set(aside.warnings)),
    )


def _differing(one: Targets, other: Targets, model_ids: Iterable[str], tolerance: Decimal) -> list[str]:
    first, second = one.weights or {}, other.weights or {}
    names = {*first, *second, *model_ids}
    return sorted(name for name in names if abs(first.get(name, ZERO) - second.get(name, ZERO)) > tolerance)
