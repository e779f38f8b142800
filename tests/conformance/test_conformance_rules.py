"""Every rule can be kept, and every rule can be broken: alone."""

# ruff: noqa: RUF012 - no toy changes what its class says

import pytest
from defective_predictors import DEFECTS
from toy_predictor import Toy

from genomark.conformance import RULES, check_predictor
from genomark.protocol import JSON


def failures(report):
    return {each.id: each.detail for each in report.outcomes if each.status == "fail"}


def test_a_good_predictor_keeps_every_rule_that_applies(village):
    report = check_predictor(village(Toy()))
    assert failures(report) == {}
    assert {each.id for each in report.outcomes if each.status != "pass"} == {
        "1.3-msgpack-unlisted"
    }
    assert report.verdict == "conforms"


def test_a_good_predictor_of_json_alone_keeps_the_other_rule_too(village):
    class JsonOnly(Toy):
        formats = {key: [JSON] for key in Toy.formats}

    report = check_predictor(village(JsonOnly()))
    by_id = {each.id: each for each in report.outcomes}
    assert failures(report) == {}
    assert by_id["1.3-msgpack-unlisted"].status == "pass"
    assert by_id["5-values"].status == "not applicable"


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_fails_its_rule_and_no_other(village, defect):
    report = check_predictor(village(DEFECTS[defect]()))
    rule = defect.partition(" ")[0]
    assert list(failures(report)) == [rule], failures(report)
    outcome = next(each for each in report.outcomes if each.id == rule)
    assert outcome.detail
    assert "could not be judged" not in outcome.detail
    assert outcome.exchange is not None
    assert report.conforms == (outcome.level == "SHOULD")


def test_there_is_a_defect_for_every_rule():
    assert {defect.partition(" ")[0] for defect in DEFECTS} == {rule.id for rule in RULES}


def test_ids_are_unique_and_sentences_fit_a_line():
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert [rule.id for rule in RULES if len(rule.sentence) > 64] == []
