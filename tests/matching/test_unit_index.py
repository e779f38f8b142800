"""Only what shares something with a term is looked at, and nothing that fits is left out."""

from random import Random

import pytest

from genomark.matching.cell_types import CellTypeIndex
from genomark.matching.fit import Question
from genomark.matching.folding import folded
from genomark.matching.sample import _beginnings, read_sample, read_samples
from genomark.matching.tables import shipped
from genomark.matching.units import UnitIndex


@pytest.fixture(scope="module")
def knowledge():
    return shipped()


@pytest.fixture(scope="module")
def names(knowledge):
    """Names of lines, cells and tissues, alone, together and spelled wrongly."""
    drawn = Random(2)
    tables = (knowledge.lines, knowledge.types)
    known = [name for table in tables for each in table.concepts.values() for name in each.names]
    made = drawn.sample(known, 300)
    made += [f"{drawn.choice(known)} of {drawn.choice(known)}" for _ in range(200)]
    made += [f"{drawn.choice(known)} (zymbolic tissue{number})" for number in range(50)]
    made += ["fibroblst", "hepatocytes, male", "zymbolik", "zzz", ""]
    return sorted(set(made))


def test_no_description_that_fits_is_left_out(knowledge, names):
    samples = read_samples(names, knowledge)
    index = UnitIndex(knowledge, [sample.units for sample in samples])
    fitting = 0
    for term in [*names[::7], "zymbolic gland", "fibroblasts", "T cell", "heart", "HeLa"]:
        asked = read_sample(term, knowledge)
        if not asked.units:
            continue
        question = Question(asked, knowledge, {})
        expected = {
            number
            for number, sample in enumerate(samples)
            if sample.units and question.fit(sample.description.identity, sample.units)[0] > 0
        }
        assert expected <= set(index.related(asked.lines or asked.units))
        fitting += len(expected)
    assert fitting > 500


def test_what_has_nothing_to_do_with_a_term_is_not_looked_at(knowledge):
    named = ["K562", "liver", "zymbolic", "hepatocyte", "HeLa"]
    samples = read_samples(named, knowledge)
    index = UnitIndex(knowledge, [sample.units for sample in samples])
    assert index.related(read_sample("K-562", knowledge).units) == [0]
    assert index.related(read_sample("zymbolix", knowledge).units) == [2]
    assert index.related(read_sample("hepatocytes of liver", knowledge).units) == [1, 3]
    assert index.related(()) == []


def test_choices_of_one_identity_differ_by_what_was_done(knowledge):
    choices = ["liver", "liver male adult (32 years)", "liver treated with 5 nM x", "liver, fetal"]
    found = CellTypeIndex.of(choices, knowledge).candidates("liver tissue")
    assert [each.choice for each in found] == [choices[0], choices[1], choices[2], choices[3]]
    assert len({each.score for each in found}) == 4


def test_a_choice_spelled_as_the_term_is_there_once(knowledge):
    found = CellTypeIndex.of(["Liver", "liver", "livers"], knowledge).candidates("LIVER")
    assert [(each.choice, each.score, each.stage) for each in found] == [
        ("Liver", 1.0, "exact"),
        ("liver", 1.0, "exact"),
        ("livers", 1.0, "exact"),
    ]


def test_every_name_is_found_by_how_it_begins(knowledge):
    for table, ending in ((knowledge.types, " cell"), (knowledge.species, "")):
        beginnings = _beginnings(table, ending)
        for concept in table.concepts.values():
            for name in concept.names:
                text = folded(name)
                assert all(text[:size] in beginnings for size in range(1, min(6, len(text)) + 1))


@pytest.mark.parametrize("kept", [1, 2, 40])
def test_descriptions_of_one_identity_share_their_units(knowledge, kept):
    texts = [f"aortic endothelium, donor{number}" for number in range(kept)]
    samples = read_samples(texts, knowledge)
    assert all(sample.units is samples[0].units for sample in samples)
    assert [sample.folded for sample in samples] == [folded(text) for text in texts]
    assert samples[-1].units == read_sample("aortic endothelium", knowledge).units
