"""The OpenAPI document of requirement 003, and requests that it allows thrown at the routes."""

import os

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok

from steelyard.infra.settings import read_settings
from steelyard.server.app import create_app
from tests.api.test_rebalance import base_url

__all__ = ["base_url"]

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "5"))
"""Requests thrown at each operation; a hundred take some minutes."""

TAGS = [
    "DPM Simulation", "DPM What-If Analysis", "DPM Run Supportability", "Advisory Simulation",
    "Advisory Proposal Lifecycle",
]  # fmt: skip
COMPONENTS = {
    "AllocationMetric", "BatchRebalanceRequest", "BatchRebalanceResult", "BatchScenarioMetric", "CashBalance-Input",
    "CashBalance-Output", "CashFlowIntent", "CashLadderBreach", "CashLadderPoint", "DiagnosticsData",
    "DpmAsyncAcceptedResponse", "DpmAsyncError", "DpmAsyncOperationListItemResponse",
    "DpmAsyncOperationListResponse", "DpmAsyncOperationStatusResponse", "DpmEffectivePolicyPackResolution",
    "DpmLineageEdgeResponse", "DpmLineageResponse", "DpmPolicyPackCatalogResponse",
    "DpmPolicyPackConstraintPolicy-Input", "DpmPolicyPackConstraintPolicy-Output", "DpmPolicyPackDefinition",
    "DpmPolicyPackIdempotencyPolicy", "DpmPolicyPackMutationResponse", "DpmPolicyPackSettlementPolicy",
    "DpmPolicyPackTaxPolicy-Input", "DpmPolicyPackTaxPolicy-Output", "DpmPolicyPackTurnoverPolicy-Input",
    "DpmPolicyPackTurnoverPolicy-Output", "DpmPolicyPackUpsertRequest", "DpmPolicyPackWorkflowPolicy",
    "DpmRunArtifactEvidence", "DpmRunArtifactHashes", "DpmRunArtifactResponse", "DpmRunIdempotencyHistoryItem",
    "DpmRunIdempotencyHistoryResponse", "DpmRunIdempotencyLookupResponse", "DpmRunListItemResponse",
    "DpmRunListResponse", "DpmRunLookupResponse", "DpmRunSupportBundleResponse", "DpmRunWorkflowActionRequest",
    "DpmRunWorkflowDecisionResponse", "DpmRunWorkflowHistoryResponse", "DpmRunWorkflowResponse",
    "DpmSupportabilitySummaryResponse", "DpmWorkflowDecisionListResponse", "DriftAnalysis", "DriftBucketDetail",
    "DriftDimensionAnalysis", "DriftHighlightEntry", "DriftHighlights", "DriftReferenceModelSummary",
    "DriftUnmodeledExposure", "DroppedIntent", "EngineOptions", "ExcludedInstrument", "FundingPlanEntry", "FxRate",
    "FxSpotIntent", "GateDecision", "GateDecisionSummary", "GateReason", "GroupConstraint-Input",
    "GroupConstraint-Output", "GroupConstraintEvent", "InsufficientCashEntry", "IntentRationale", "LineageData",
    "MarketDataSnapshot", "ModelPortfolio", "ModelTarget", "Money-Input", "Money-Output", "PortfolioSnapshot",
    "Position", "PositionSummary", "Price", "ProposalApprovalRecord", "ProposalApprovalRequest",
    "ProposalApprovalsResponse", "ProposalArtifact", "ProposalArtifactAssumptionsAndLimits",
    "ProposalArtifactDisclosures", "ProposalArtifactEngineOutputs", "ProposalArtifactEvidenceBundle",
    "ProposalArtifactEvidenceInputs", "ProposalArtifactExecutionNote", "ProposalArtifactFx",
    "ProposalArtifactHashes", "ProposalArtifactInclusionFlag", "ProposalArtifactPortfolioDelta",
    "ProposalArtifactPortfolioImpact", "ProposalArtifactPortfolioState", "ProposalArtifactPricingAssumptions",
    "ProposalArtifactProductDoc", "ProposalArtifactSuitabilityHighlight", "ProposalArtifactSuitabilitySummary",
    "ProposalArtifactSummary", "ProposalArtifactSummaryNote", "ProposalArtifactTakeaway", "ProposalArtifactTrade",
    "ProposalArtifactTradeRationale", "ProposalArtifactTradesAndFunding", "ProposalArtifactWeightChange",
    "ProposalAsyncAcceptedResponse", "ProposalAsyncError", "ProposalAsyncOperationStatusResponse",
    "ProposalCreateMetadata", "ProposalCreateRequest", "ProposalCreateResponse", "ProposalDetailResponse",
    "ProposalIdempotencyLookupResponse", "ProposalLineageResponse", "ProposalListResponse", "ProposalResult",
    "ProposalSimulateRequest", "ProposalStateTransitionRequest", "ProposalStateTransitionResponse",
    "ProposalSummary", "ProposalSupportabilityConfigResponse", "ProposalVersionDetail",
    "ProposalVersionLineageItem", "ProposalVersionRequest", "ProposalWorkflowEvent",
    "ProposalWorkflowTimelineResponse", "ProposedCashFlow", "ProposedTrade", "RebalanceRequest", "RebalanceResult",
    "Reconciliation", "ReferenceAssetClassTarget", "ReferenceInstrumentTarget", "ReferenceModel", "RuleResult",
    "SecurityTradeIntent", "ShelfEntry", "SimulatedState", "SimulationScenario", "SuitabilityEvidence",
    "SuitabilityEvidenceSnapshotIds", "SuitabilityIssue", "SuitabilityResult", "SuitabilitySummary",
    "SuitabilityThresholds", "SuppressedIntent", "TargetData", "TargetInstrument", "TargetMethod",
    "TaxBudgetConstraintEvent", "TaxImpact", "TaxLot", "UniverseCoverage", "UniverseData", "ValuationMode",
}  # fmt: skip


@pytest.fixture(scope="module")
def document(base_url):
    return httpx.get(f"{base_url}/rebalance/openapi.json").raise_for_status().json()


def test_the_document_has_the_title_tags_and_components_that_clients_know(document):
    assert document["info"] == {"title": "Private Banking Rebalance API", "version": "0.1.0"}
    assert [tag["name"] for tag in document["tags"]][: len(TAGS)] == TAGS
    assert set(document["components"]["schemas"]) >= COMPONENTS


def test_the_one_document_of_the_product_has_all_of_it(base_url, document):
    whole = httpx.get(f"{base_url}/openapi.json").raise_for_status().json()
    assert whole["info"]["title"] == "Steelyard"
    assert document["paths"].items() <= whole["paths"].items()


def test_every_property_is_described_with_an_example(document):
    bare = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        if name not in {"HTTPValidationError", "ValidationError"}  # FastAPI's own
        for field, said in schema.get("properties", {}).items()
        if not (said.get("description") and "examples" in said)
    ]
    assert bare == []


def test_references_lead_somewhere(document):
    schemathesis.openapi.from_dict(document).validate()


def operations():
    """Each operation of the document by its label, read without a server."""
    whole = create_app(read_settings()).openapi()
    paths = {path: item for path, item in whole["paths"].items() if path.startswith("/rebalance/")}
    schema = schemathesis.openapi.from_dict(whole | {"paths": paths})
    found = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    return {operation.label: operation for operation in found}


OPERATIONS = operations()


@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")  # what Schemathesis does
@pytest.mark.parametrize("label", OPERATIONS)
def test_no_request_that_the_document_allows_meets_a_defect(label, base_url):
    @given(case=OPERATIONS[label].as_strategy())
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def throw(case):
        answer = case.call(base_url=base_url)
        assert answer.status_code < 500, (case.method, case.path, answer.status_code, answer.text[:500])

    throw()
