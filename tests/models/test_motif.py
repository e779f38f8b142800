"""`motif`: the file of motifs, and scores turned into predictions."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.errors import DatasetError, UsageError
from genomark.models import Predictor, Trainable, TrainingSplit, load_model, motif
from genomark.models.motif import Motif, read_meme
from genomark.models.ridge import LinearFit

MEME = """MEME version 4

ALPHABET= ACGT

strands: + -

Background letter frequencies
A 0.25 C 0.25 G 0.25 T 0.25

MOTIF first one
letter-probability matrix: alength= 4 w= 3 nsites= 20 E= 0
0.9 0.05 0.05 0
 0.1  0.2\t0.3 0.4
0 0 0 1
URL http://example.org

MOTIF second
letter-probability matrix: alength= 4 w= 2
0.25 0.25 0.25 0.25
0 1 0 0
"""


@pytest.fixture
def meme(tmp_path: Path) -> Path:
    file = tmp_path / "two.meme"
    file.write_text(MEME)
    return file


@pytest.fixture(scope="session")
def motifs_file(real_data: Callable[[str, str], Path]) -> Path:
    return real_data("motifs", "motifs.meme.txt")


def test_motifs_are_read_with_name_and_probabilities(meme: Path) -> None:
    first, second = read_meme(meme)
    assert (first.name, second.name) == ("first", "second")
    assert first.probabilities.tolist() == [
        [0.9, 0.05, 0.05, 0],
        [0.1, 0.2, 0.3, 0.4],
        [0, 0, 0, 1],
    ]
    assert second.probabilities.tolist() == [[0.25] * 4, [0, 1, 0, 0]]


def test_the_width_need_not_be_told(tmp_path: Path) -> None:
    file = tmp_path / "bare.meme"
    file.write_text("MOTIF x\nletter-probability matrix:\n1 0 0 0\n0 0 1 0\n")
    (only,) = read_meme(file)
    assert only.probabilities.shape == (2, 4)


def test_windows_line_ends_are_no_trouble(tmp_path: Path, meme: Path) -> None:
    file = tmp_path / "windows.meme"
    file.write_bytes(MEME.replace("\n", "\r\n").encode())
    for here, there in zip(read_meme(file), read_meme(meme), strict=True):
        np.testing.assert_array_equal(here.probabilities, there.probabilities)


HEADER = "MOTIF x\nletter-probability matrix: alength= 4 w= 2\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00binary",
        b"MEME version 4\nMOTIF x\n",
        b">fasta\nACGT\n",
        HEADER.encode(),
        f"{HEADER}0.5 0.5 0 0\n".encode(),
        f"{HEADER}0.5 0.5 0 0\n0.5 0.5 0\n".encode(),
        f"{HEADER}0.5 0.5 0 0\n0.5 0.5 0 0 0\n".encode(),
        f"{HEADER}0.5 0.5 0 0\n0.5 0.4 0 0\n".encode(),
        f"{HEADER}0.5 0.5 0 0\n1.5 -0.5 0 0\n".encode(),
        f"{HEADER}0.5 0.5 0 0\n0.5 x 0 0\n".encode(),
        f"{HEADER}0.5 0.5 0 0\nnan nan nan nan\n".encode(),
        f"{HEADER}0.5 0.5 0 0\ninf 0 0 0\n".encode(),
        f"{HEADER}1 0 0 0\n0 1 0 0\n0 0 1 0\n".encode(),
        f"{HEADER}12 3 4 1\n1 2 3 14\n".encode(),
    ],
    ids=[
        "empty",
        "binary",
        "no matrix",
        "fasta",
        "no rows",
        "a row short",
        "three numbers",
        "five numbers",
        "sum below 1",
        "negative",
        "letters",
        "nan",
        "infinite",
        "a row too many",
        "counts",
    ],
)
def test_a_malformed_file_gets_one_clear_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.meme"
    file.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_meme(file)
    message = str(caught.value)
    assert message.startswith(str(file))
    assert "\n" not in message
    assert "MEME" in message or "probabilities" in message


def test_the_message_names_the_line_of_the_matrix(tmp_path: Path) -> None:
    file = tmp_path / "bad.meme"
    file.write_text(MEME.replace("0 1 0 0", "0 1 1 0"))
    expected = r", line 18: expected 2 rows of four probabilities that add up to 1$"
    with pytest.raises(UsageError, match=expected):
        read_meme(file)


def test_a_folder_is_no_file_of_motifs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read as MEME"):
        read_meme(tmp_path)


def test_a_missing_file_is_told_when_the_model_is_made() -> None:
    with pytest.raises(UsageError, match=r"no file 'nowhere\.meme'"):
        load_model("motif:file=nowhere.meme")


def test_a_file_that_goes_away_is_told_and_not_thrown(meme: Path) -> None:
    model = Motif(str(meme))
    meme.unlink()
    split = TrainingSplit("s", ["A"], np.zeros(1), ["a"])
    with pytest.raises(UsageError, match="cannot be read as MEME"):
        model.identity(split)


def test_a_motif_too_long_is_told_with_its_file(tmp_path: Path) -> None:
    file = tmp_path / "long.meme"
    file.write_text("MOTIF x\nletter-probability matrix: w= 200\n" + "1 0 0 0\n" * 200)
    with pytest.raises(UsageError, match=r"long\.meme: .*width 200"):
        Motif(str(file)).features(["ACGT"])


def naive_bits(row: list[float], base: str) -> int:
    probability = row["ACGT".index(base)]
    return round(64 * float(np.log2((probability + 0.01) / 1.04 / 0.25)))


def test_features_are_bits(meme: Path) -> None:
    rows = read_meme(meme)[0].probabilities.tolist()
    # The windows of both strands: GATG, and CATC read backwards.
    windows = ["GAT", "ATG", "CAT", "ATC"]
    scores = [
        sum(naive_bits(row, base) for row, base in zip(rows, window, strict=True))
        for window in windows
    ]
    features = Motif(str(meme)).features(["GATG"])
    assert features.shape == (1, 2)
    assert features[0, 0] == max(scores) / 64
    assert max(scores) == scores[2]


batches = st.lists(st.text("ACGTN", min_size=1, max_size=30), min_size=1, max_size=9)


@given(batches)
def test_predictions_are_features_times_weights(
    tmp_path_factory: pytest.TempPathFactory, sequences: list[str]
) -> None:
    model = _shared_model(tmp_path_factory)
    fit = LinearFit(np.array([0.3, -1.7]), 0.2, 1.0)
    np.testing.assert_allclose(
        model.predict_points(fit, sequences),
        model.features(sequences) @ fit.weights + fit.intercept,
        rtol=1e-12,
        atol=1e-12,
    )


_made: list[Motif] = []


def _shared_model(tmp_path_factory: pytest.TempPathFactory) -> Motif:
    if not _made:
        file = tmp_path_factory.mktemp("motifs") / "two.meme"
        file.write_text(MEME)
        _made.append(Motif(str(file)))
    return _made[0]


@given(batches, st.integers(1, 5))
def test_an_answer_does_not_depend_on_its_batch(
    tmp_path_factory: pytest.TempPathFactory, sequences: list[str], size: int
) -> None:
    model = _shared_model(tmp_path_factory)
    fit = LinearFit(np.array([1 / 3, -1.7]), 0.1, 1.0)
    alone = [model.predict_points(fit, [sequence])[0] for sequence in sequences]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(motif, "_BATCH", size)
        # Bit for bit, wherever one batch ends and the next begins.
        assert model.predict_points(fit, sequences).tolist() == alone


def test_an_identity_rests_on_the_motifs_and_not_on_their_place(meme: Path, tmp_path: Path) -> None:
    split = TrainingSplit("s", ["A"], np.zeros(1), ["a"])
    copy = tmp_path / "copy.meme"
    copy.write_bytes(meme.read_bytes())
    before = Motif(str(meme)).identity(split)
    assert Motif(str(copy)).identity(split).digest == before.digest
    meme.write_text(MEME.replace("0 1 0 0", "0 0 1 0"))
    assert Motif(str(meme)).identity(split).digest != before.digest
    assert before.id == f"motif:file={meme}"


def test_it_is_a_recipe_and_not_yet_a_predictor(meme: Path) -> None:
    model = load_model(f"motif:file={meme}")
    assert isinstance(model, Trainable)
    assert not isinstance(model, Predictor)
    assert load_model("motif").info.id == "motif"


def test_it_learns_which_motif_counts(
    meme: Path, own_cache: Path, predictions: Callable[..., list[Any]]
) -> None:
    random = np.random.default_rng(8)
    sequences = ["".join(random.choice(list("ACGT"), 12)) for _ in range(300)]
    model = Motif(str(meme))
    values = 2 * model.features(sequences)[:, 0] + 1
    split = TrainingSplit("s", sequences, values, [str(row) for row in range(300)])
    fitted = model.fit(split)
    fresh = ["".join(random.choice(list("ACGT"), 12)) for _ in range(20)]
    np.testing.assert_allclose(
        predictions(fitted, fresh, scale="log"), 2 * model.features(fresh)[:, 0] + 1, atol=0.1
    )


def test_without_data_it_says_what_is_missing(no_data: None) -> None:
    model = load_model("motif")
    with pytest.raises(DatasetError, match="motifs"):
        model.features(["ACGT"])


def test_the_dataset_holds_2193_motifs(motifs_file: Path) -> None:
    text = motifs_file.read_text()
    motifs = read_meme(motifs_file)
    assert len(motifs) == 2193 == len(re.findall(r"^MOTIF ", text, flags=re.MULTILINE))
    widths = [int(width) for width in re.findall(r"\bw= *(\d+)", text)]
    assert [len(each.probabilities) for each in motifs] == widths
    numbers = re.findall(r"^ *([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+) *$", text, re.MULTILINE)
    found = np.concatenate([each.probabilities for each in motifs])
    np.testing.assert_array_equal(found, np.array(numbers, dtype=float))


def test_its_scores_of_real_enhancers_are_those_of_a_scan_with_convolution(
    motifs_file: Path, lentimpra: dict[str, Path]
) -> None:
    lines = lentimpra["test"].read_text().splitlines()[1:4]
    sequences = [line.split("\t")[1] for line in lines]
    features = Motif().features(sequences)
    for column, each in enumerate(read_meme(motifs_file)):
        if column % 40:
            continue
        table = np.rint(64 * np.log2((each.probabilities + 0.01) / 1.04 / 0.25))
        for row, sequence in enumerate(sequences):
            onehot = np.array([[base == letter for letter in "ACGT"] for base in sequence], float)
            best = max(
                np.correlate(strand.ravel(), table.ravel(), "valid")[::4].max()
                for strand in (onehot, onehot[::-1, ::-1])
            )
            assert features[row, column] == best / 64
