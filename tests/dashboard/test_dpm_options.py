"""Options as fields of a form."""

import pytest

from steelyard.dashboard.dpm_options import (
    first_value,
    label_of,
    option_fields,
    option_problems,
    read_json_object,
    summary_of,
)
from steelyard.rebalance.schemas import EngineOptions
from steelyard.rebalance.wire import read_options

FIELDS = option_fields()


def test_every_option_of_a_rebalance_is_offered_with_words_and_none_of_advisory():
    assert set(FIELDS) < set(EngineOptions.model_fields)
    assert len(FIELDS) == 34
    assert not any(name.startswith(("proposal", "drift", "enable_suitability")) for name in FIELDS)
    assert all(field.description and field.label for field in FIELDS.values())


@pytest.mark.parametrize("name", FIELDS)
def test_what_an_option_begins_with_is_accepted_and_is_not_its_default(name):
    others: dict[str, dict[str, object]] = {
        "block_short_term_gains": {"as_of": "2026-02-03", "enable_tax_awareness": True},
        "wash_sale_guard": {"as_of": "2026-02-03"},
    }
    value = first_value(FIELDS[name])
    options = {**others.get(name, {}), name: value}
    assert option_problems(options) == {}
    read_options(options)
    if FIELDS[name].kind in ("switch", "choice"):
        assert str(value).lower() != FIELDS[name].default.lower()


@pytest.mark.parametrize(
    ("name", "kind", "limits"),
    [
        ("target_method", "choice", ""),
        ("trade_mode", "choice", ""),
        ("cash_repair", "switch", ""),
        ("link_buy_to_same_currency_sell_dependency", "switch", ""),
        ("settlement_horizon_days", "number", "0 to 10"),
        ("max_realized_capital_gains", "number", "at least 0"),
        ("group_constraints", "json", "JSON"),
        ("as_of", "text", ""),
    ],
)
def test_an_option_has_the_kind_of_field_and_the_limits_of_its_schema(name, kind, limits):
    assert (FIELDS[name].kind, FIELDS[name].limits) == (kind, limits)


def test_what_is_wrong_is_said_by_option_and_what_concerns_several_under_no_name():
    problems = option_problems({"max_turnover_pct": "7", "settlement_horizon_days": "11", "fx_buffer_pct": ""})
    assert problems == {
        "max_turnover_pct": "max_turnover_pct was 7; it is a share between 0 and 1",
        "settlement_horizon_days": "must be at most 10; it was '11'",
        "fx_buffer_pct": "is not a number; it was ''",
    }
    assert list(option_problems({"block_short_term_gains": True})) == [""]


@pytest.mark.parametrize(
    ("text", "said"),
    [('{"a": ', "line 1 is not JSON"), ("[1]", "is not an object"), ("[" * 100_000, "nested too deeply")],
)
def test_a_text_that_is_no_object_is_refused_in_words(text, said):
    with pytest.raises(ValueError, match=said):
        read_json_object(text)


def test_no_text_is_no_option():
    assert read_json_object("  \n") == {}
    assert read_json_object('{"cash_repair": true}') == {"cash_repair": True}


def test_options_are_summed_up_in_one_line():
    assert label_of("max_turnover_pct") == "Most turnover share"
    said = summary_of({"max_turnover_pct": "0.1", "cash_repair": True, "block_on_missing_fx": False})
    assert said == "most turnover share 0.1, cash repair, no block on missing FX"
    assert summary_of({}) == "the engine's defaults"
