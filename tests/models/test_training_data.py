"""What a model was trained on, as it is declared: forms, words, and whom to believe."""

from __future__ import annotations

import msgspec
import pytest

from genomark.errors import UnknownNameError, UsageError
from genomark.models import load_model
from genomark.models.declaration import Declaration
from genomark.models.remote import RemotePredictor
from genomark.models.training_data import (
    TRAINING_SETS,
    UNKNOWN,
    NamedTraining,
    NoTraining,
    OwnTraining,
    TrainingRegions,
    TrainingSequences,
    UnknownTraining,
    declared_training,
    in_words,
    is_public,
    read_training_data,
    stated_training,
)

REGIONS = TrainingRegions("https://example.org/train.bed", "hg38", ("fold0",))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("unknown", UnknownTraining()),
        ("none", NoTraining()),
        ("enformer", NamedTraining("enformer")),
        ({"kind": "set", "name": "borzoi-folds"}, NamedTraining("borzoi-folds")),
        ({"kind": "sequences", "source": "a.fa"}, TrainingSequences("a.fa")),
        (
            {"kind": "regions", "source": "a.bed", "assembly": "hg19", "training": ["train"]},
            TrainingRegions("a.bed", "hg19", ("train",)),
        ),
    ],
)
def test_a_declaration_is_a_word_or_a_table(told, expected):
    assert read_training_data(told, "card") == expected


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("everything", "No training set named 'everything'. Known: borzoi-folds, enformer, none"),
        ("enfomer", "No training set named 'enfomer'. Did you mean 'enformer'?"),
        ("own-split", "No training set named 'own-split'"),
        (
            {"kind": "own-split", "name": "x", "sequences": 1},
            "own-split.*kind = one of unknown, none, regions, sequences, set$",
        ),
        ({"kind": "regions", "source": "a.bed"}, "assembly"),
        ({"kind": "sequences", "source": "a.fa", "extra": 1}, "extra"),
        ({"kind": "sequences"}, "source"),
        (17, "Expected"),
        (None, "Expected"),
    ],
)
def test_what_is_no_declaration_is_told_in_one_line_with_its_place(told, says):
    with pytest.raises(UsageError, match=says) as raised:
        read_training_data(told, "my.card.toml")
    assert str(raised.value).startswith("my.card.toml: training_data:")
    assert "\n" not in str(raised.value)


def test_a_set_that_there_is_none_of_is_told_with_those_there_are():
    with pytest.raises(UnknownNameError, match="borzoi-folds"):
        read_training_data({"kind": "set", "name": "borzoi"}, "card")


def test_of_a_server_no_file_of_this_machine_is_believed():
    assert stated_training({"kind": "sequences", "source": "/etc/passwd"}) == UNKNOWN
    assert stated_training({"kind": "own-split", "name": "x", "sequences": 1}) == UNKNOWN
    assert stated_training(["nonsense"]) == UNKNOWN
    assert stated_training(msgspec.to_builtins(REGIONS)) == REGIONS
    assert stated_training("borzoi-folds") == NamedTraining("borzoi-folds")


def test_words_name_files_without_their_folder():
    assert in_words(TrainingSequences("/home/somebody/secret/train.fa")) == "sequences in train.fa"
    told = in_words(TrainingRegions("/home/me/mine.bed", "hg38", ("a", "b")))
    assert told == "regions of hg38 in mine.bed, a + b"
    assert in_words(REGIONS) == "regions of hg38 in https://example.org/train.bed, fold0"
    assert in_words(OwnTraining("the train part", 1234)) == "the train part (1,234 sequences)"
    assert in_words(UNKNOWN) == "unknown"
    assert in_words(NoTraining()) == "none"
    assert in_words(NamedTraining("enformer")) == "enformer (train)"


def test_words_of_strangers_are_one_printable_line():
    assert in_words(TrainingSequences("http://x/a\n\x1b[31mb")) == "sequences in http://x/a [31mb"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("https://me:secret@example.org/a/b.fa", "https://example.org/a/b.fa"),
        ("https://example.org/b.fa?X-Signature=secret&a=/b", "https://example.org/b.fa"),
        ("HTTPS://token@example.org:8443/b.fa#secret", "HTTPS://example.org:8443/b.fa"),
        ("s3://secret:key@bucket/b.fa?secret", "s3://bucket/b.fa"),
        ("https://example.org?secret", "https://example.org"),
        ("https://example.org/@team/b.fa", "https://example.org/@team/b.fa"),
        ("http://[broken/b.fa?secret", "http://[broken/b.fa"),
    ],
)
def test_words_have_no_password_and_no_query_of_a_url(source, told):
    assert in_words(TrainingSequences(source)) == f"sequences in {told}"
    assert "secret" not in in_words(TrainingRegions(source, "hg38", ("train",)))


def test_only_what_means_the_same_anywhere_is_public():
    assert is_public(REGIONS)
    assert is_public(NoTraining())
    assert is_public(NamedTraining("enformer"))
    assert not is_public(TrainingSequences("train.fa"))
    assert not is_public(OwnTraining("x", 1))


def test_the_test_fold_and_the_validation_fold_of_borzoi_are_not_training():
    folds = TRAINING_SETS["borzoi-folds"].training
    assert set(folds) == {f"fold{number}" for number in range(8)} - {"fold3", "fold4"}


class Declaring:
    """A model that says it in its declaration, or in an attribute."""

    def __init__(self, **told):
        vars(self).update(told)


def test_a_model_tells_by_attribute_or_declaration_and_else_nothing():
    declaration = Declaration(name="x", training_data=REGIONS)
    assert declared_training(Declaring(declaration=declaration)) == REGIONS
    both = Declaring(declaration=declaration, training_data=NoTraining())
    assert declared_training(both) == NoTraining()
    assert declared_training(Declaring(training_data="anything")) == UNKNOWN
    assert declared_training(object()) == UNKNOWN


@pytest.mark.parametrize("spec", ["gc", "cpg", "kmer", "kmer-knn", "onehot", "motif", "cnn"])
def test_what_learns_from_nothing_but_its_split_says_so(spec):
    assert declared_training(load_model(spec)) == NoTraining()


def test_a_function_of_the_users_own_is_unknown():
    from genomark.models import as_model

    assert declared_training(as_model(lambda sequences: [0.0] * len(sequences))) == UNKNOWN


def served(told):
    """A Predictor behind a URL whose `/help` is known already."""
    model = RemotePredictor("http://127.0.0.1:9")
    vars(model)["said"] = told
    return model


def test_help_of_a_server_may_tell_it_and_need_not():
    assert declared_training(served({"training_data": "enformer"})) == NamedTraining("enformer")
    assert declared_training(served({})) == UNKNOWN
    assert declared_training(served({"training_data": {"kind": "sequences", "source": "/a"}})) == (
        UNKNOWN
    )


def test_what_a_server_tells_is_what_its_client_reads():
    from starlette.testclient import TestClient

    from genomark.serving.predictor import predictor_app

    told = TestClient(predictor_app(load_model("gc"))).get("/help").json()
    assert told["training_data"] == {"kind": "none"}
    assert declared_training(served(told)) == NoTraining()
