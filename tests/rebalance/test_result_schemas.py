"""The documented answers are the answers that are given."""

import msgspec
import pytest

from steelyard.rebalance import holdings, result, result_schemas, run_schemas, schemas, what_if
from steelyard.rebalance.api import analyze, simulate
from steelyard.rebalance.artifact import RunRecord, build_artifact
from tests.api.test_rebalance import batch_of, request_of

PAIRS = {
    result_schemas.RebalanceResult: result.RebalanceResult,
    result_schemas.SimulatedState: result.SimulatedState,
    result_schemas.PositionSummary: holdings.PositionSummary,
    result_schemas.AllocationMetric: holdings.AllocationMetric,
    result_schemas.UniverseData: result.UniverseData,
    result_schemas.TargetData: result.TargetData,
    result_schemas.TargetInstrument: result.TargetInstrument,
    result_schemas.TaxImpact: result.TaxImpact,
    result_schemas.Reconciliation: result.Reconciliation,
    result_schemas.RuleResult: result.RuleResult,
    result_schemas.SuppressedIntent: result.SuppressedIntent,
    result_schemas.DroppedIntent: result.DroppedIntent,
    result_schemas.GroupConstraintEvent: result.GroupConstraintEvent,
    result_schemas.TaxBudgetConstraintEvent: result.TaxBudgetConstraintEvent,
    result_schemas.CashLadderPoint: result.CashLadderPoint,
    result_schemas.CashLadderBreach: result.CashLadderBreach,
    result_schemas.GateDecision: result.GateDecision,
    result_schemas.GateReason: result.GateReason,
    result_schemas.GateDecisionSummary: result.GateSummary,
    result_schemas.LineageData: result.Lineage,
    result_schemas.BatchRebalanceResult: what_if.BatchResult,
    result_schemas.BatchScenarioMetric: what_if.ScenarioMetric,
}
BEYOND_THE_CONTRACT = {"trade_adjustments"}


@pytest.mark.parametrize("model", PAIRS, ids=lambda model: model.__name__)
def test_the_documented_fields_are_those_of_the_answer(model):
    assert list(model.model_fields) == list(PAIRS[model].__struct_fields__)


def test_diagnostics_have_one_field_more_than_the_contract_knows():
    documented, given = result_schemas.DiagnosticsData.model_fields, result.Diagnostics.__struct_fields__
    assert set(given) - set(documented) <= BEYOND_THE_CONTRACT


def test_answers_fit_their_documentation():
    options = {"group_constraints": {"a:b": {"max_weight": "0.1"}}, "enable_settlement_awareness": True}
    given = simulate(request_of(**options))
    result_schemas.RebalanceResult.model_validate(given.to_dict())
    record = RunRecord("pf", "sha256:0", "2026-02-03T00:00:00+00:00", "key")
    run_schemas.DpmRunArtifactResponse.model_validate(build_artifact(given, record))
    result_schemas.BatchRebalanceResult.model_validate(analyze(batch_of("pf", base={}, low={})).to_dict())


def test_a_stored_answer_comes_back_byte_for_byte():
    answer = simulate(request_of(enable_tax_awareness=True)).to_bytes()
    assert msgspec.json.decode(answer, type=result.RebalanceResult).to_bytes() == answer


def test_money_is_one_model_on_the_way_in_and_out():
    assert result_schemas.SimulatedState.model_fields["total_value"].annotation is schemas.Money
