"""What a sample is, apart from what was done with it."""

import pytest

from genomark.matching.description import describe


@pytest.mark.parametrize(
    ("text", "identity", "stage", "sex"),
    [
        ("liver male adult (32 years)", "liver", "adult", "male"),
        ("heart male embryo (72 days) and male embryo (76 days)", "heart", "fetal", "male"),
        ("brain, fetal, pool1", "brain", "fetal", ""),
        ("liver, embryo E16", "liver", "fetal", ""),
        ("C57BL/6 liver postnatal (0 days)", "liver", "newborn", ""),
        ("Hepatocyte, ", "Hepatocyte", "", ""),
        ("embryonic kidney cell line: HEK293/SLAM untreated",
         "embryonic kidney cell line: HEK293/SLAM", "", ""),
        ("induced pluripotent stem cells (iPS cells; WTC11)",
         "induced pluripotent stem cells (iPS cells; WTC11)", "", ""),
        ("non T non B acute lymphoblastic leukemia (ALL) cell line:P30/OHK",
         "non T non B acute lymphoblastic leukemia (ALL) cell line:P30/OHK", "", ""),
        ("tibial nerve, woman", "tibial nerve", "", "female"),
    ],
)  # fmt: skip
def test_age_sex_and_stage_are_taken_apart(text, identity, stage, sex):
    found = describe(text)
    assert (found.identity, found.stage, found.sex) == (identity, stage, sex)


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("K562 treated with 5 uM JQ1 for 4 hours", {"treated"}),
        ("T47D treated with 0.02% dimethyl sulfoxide for 1 hour", {"vehicle"}),
        ("GM12878 nucleolus fraction", {"fraction"}),
        ("HeLa-S3 G1b phase", {"phase"}),
        ("CD14+ monocytes - treated with BCG,", {"treated"}),
        ("HEK293/SLAM untreated", {"untreated"}),
        ("with multiple sclerosis; immature natural killer cell", {"disease"}),
        ("K562", set()),
    ],
)
def test_what_was_done_is_marked(text, marks):
    assert describe(text).marks == marks


def test_a_text_of_nothing_but_circumstances_keeps_its_words():
    assert describe("treated").identity == "treated"
    assert describe("male").identity == "male"
    assert describe("").identity == ""
