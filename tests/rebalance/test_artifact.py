"""The artifact of a run and its hash."""

import hashlib
import json

from steelyard.rebalance.artifact import RunRecord, build_artifact
from tests.conformance.compare import without
from tests.rebalance.desk import run

RECORD = RunRecord("pf", "sha256:" + "1" * 64, "2026-02-03T10:00:00.000000+00:00", "key-1")


def test_a_client_can_recompute_the_hash_from_the_json():
    artifact = json.loads(json.dumps(build_artifact(a_run(), RECORD)))
    plain = without(artifact, frozenset({"artifact_hash"}))
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    assert artifact["evidence"]["hashes"]["artifact_hash"] == "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def test_the_hash_covers_what_was_decided_and_when():
    later = RunRecord(RECORD.portfolio_id, RECORD.request_hash, "2026-02-03T10:00:01.000000+00:00", "key-1")
    hashes = {
        build_artifact(result, record)["evidence"]["hashes"]["artifact_hash"]
        for result, record in [(a_run(), RECORD), (a_run(), later), (a_run(units=101), RECORD)]
    }
    assert len(hashes) == 3
    assert build_artifact(a_run(), RECORD) == build_artifact(a_run(), RECORD)


def test_it_is_named_after_its_run():
    assert build_artifact(a_run(), RECORD)["artifact_id"] == "dra_00000000"


def a_run(units=100):
    return run(holdings={"A": units}, prices={"A": 10, "B": 20}, cash=50, model={"A": "0.5", "B": "0.4"})
