"""Isolated models answer as others do, and fail as others do."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import genomark
from genomark.errors import ModelError, UsageError
from genomark.models import (
    Designer,
    Embedder,
    Folder,
    GeneEmbedder,
    Predictor,
    Scorer,
    TermMatcher,
    isolated_spec,
    load_model,
)
from genomark.models.isolation import Limits, installation
from genomark.models.isolation.isolated_model import IsolatedModel, MemoryOutError
from genomark.models.isolation.messages import entries
from genomark.models.isolation.payload import payload_of_file
from genomark.models.pieces import predict_in_pieces
from genomark.models.registry import model_package
from genomark.protocol import (
    EditedSequences,
    PredictionTask,
    PredictRequest,
    Unanswered,
)
from genomark.protocol.edits import Edit

Stranger = Callable[..., str]

_TASK = PredictionTask("a task", "expression", "K562", "homo_sapiens")
#: A function whose last bits depend on the order of the additions.
_SKEW = """
import numpy as np
W = np.random.default_rng(7).normal(size=(4, 200))

def skew(sequences):
    coded = np.zeros((len(sequences), 4, 200))
    for row, sequence in enumerate(sequences):
        for place, letter in enumerate(sequence[:200]):
            if letter in "ACGT":
                coded[row, "ACGT".index(letter), place] = 1
    return np.tanh(coded.reshape(len(sequences), -1) @ W.ravel() / 7)
"""
#: What each of the capabilities gives, to compare with what it gives outside.
_ALL = """
import numpy as np
from genomark.models import Fold, TermAnswer
from genomark.models.genes.table import GeneTable
from genomark.scoring import ModelIdentity

class Model:
    info = ModelIdentity(id="all", version="3", digest="d" * 32, notes=["a \\x1b[31mred note"])
    likelihood = "masked"
    effect = "distance"

    def embed(self, sequences, progress=lambda done: None):
        progress(len(sequences))
        return np.array([[len(s), s.count("G") / 3] for s in sequences], dtype=np.float32)

    def embed_positions(self, sequences, progress=lambda done: None):
        return [np.arange(len(s) * 2, dtype=np.float32).reshape(-1, 2) for s in sequences]

    def log_likelihoods(self, sequences, progress=lambda done: None):
        return np.array([-len(s) / 3 for s in sequences])

    def fold(self, sequences, progress=lambda done: None):
        return [Fold("." * len(s), -0.1) for s in sequences]

    def design(self, structure, seconds, seed):
        return ["A" * len(structure)]

    def gene_table(self, names, kind="symbol"):
        known = ["TP53", "MYC", "GATA1"]
        return GeneTable(known, np.eye(3, dtype=np.float32), "x", {"NONE": "no such gene"})

    def match_term(self, category, term, choices):
        return TermAnswer(choices[-1], 0.5, 1, "", ("sure",))

model = Model()
"""


def isolated(path: str, name: str, limits: str = "") -> Any:
    return load_model(f"isolated:{limits}py:{path}:{name}")


def request(sequences: dict[str, str], **more: Any) -> PredictRequest:
    return PredictRequest("point", [_TASK], sequences, **more)


@pytest.mark.usefixtures("sandbox")
def test_answers_are_those_of_the_same_code_outside_bit_for_bit(stranger: Stranger) -> None:
    path = stranger(_SKEW)
    inside, outside = isolated(path, "skew"), load_model(f"py:{path}:skew")
    assert isinstance(inside, Predictor)
    assert isinstance(outside, Predictor)
    letters = np.random.default_rng(1).choice(list("ACGT"), size=(30, 200))
    sequences = {f"item {row}": "".join(each) for row, each in enumerate(letters)}
    reference = "".join(letters[0])
    edits = EditedSequences(
        {"r": reference, "q": reference[::-1]},
        {"a": Edit("q", ((3, 5, "TTT"),)), "b": Edit("r"), "c": Edit("r", ((0, 1, ""),))},
        {"whole": reference[:50]},
    )
    for asked in (
        request(sequences),
        request({"low": "acgtn", "flanked": "ACGT"}, upstream_seq="AAC", downstream_seq="G"),
        request({"a": reference}, prediction_ranges={"a": [10, 60]}),
        PredictRequest("point", [_TASK, msgspec.structs.replace(_TASK, scale="linear")], edits),
    ):
        given = predict_in_pieces(inside, asked)
        assert msgspec.structs.asdict(given) == msgspec.structs.asdict(
            predict_in_pieces(outside, asked)
        )
    inside.close()  # type: ignore[attr-defined]


@pytest.mark.usefixtures("sandbox")
def test_so_are_tracks(stranger: Stranger) -> None:
    source = """
import numpy as np
from genomark.models.sequence_function import Readout, SequencePredictor
from genomark.scoring import ModelIdentity

def track(sequences):
    return [np.arange(-(-len(s) // 4)) / 3 for s in sequences]

model = SequencePredictor(
    ModelIdentity("mine", "1", "0" * 32), "mine", {"track": Readout(track, "linear")}, bin_size=4
)
"""
    path = stranger(source)
    inside, outside = isolated(path, "model"), load_model(f"py:{path}:model")
    asked = PredictRequest(
        "track", [_TASK], {"x": "ACGT" * 9, "y": "A" * 7}, prediction_ranges={"x": [5, 22], "y": []}
    )
    given, expected = inside.predict(asked), outside.predict(asked)  # type: ignore[attr-defined]
    for one, other in zip(given.prediction_tasks, expected.prediction_tasks, strict=True):
        assert one.trim_upstream == other.trim_upstream
        assert list(one.predictions) == list(other.predictions)
        for name in one.predictions:
            np.testing.assert_array_equal(one.predictions[name], other.predictions[name])
    assert given.bin_size == 4
    assert inside.declaration == outside.declaration  # type: ignore[attr-defined]
    inside.close()


@pytest.mark.usefixtures("sandbox")
def test_every_capability_but_training_can_be_asked(stranger: Stranger) -> None:
    model = isolated(stranger(_ALL), "model")
    for kind in (Embedder, Scorer, Folder, Designer, GeneEmbedder, TermMatcher):
        assert isinstance(model, kind), kind
    assert not isinstance(model, Predictor)
    done: list[int] = []
    np.testing.assert_array_equal(
        model.embed(["GGA", "C"], done.append), np.float32([[3, 2 / 3], [1, 0]])
    )
    positions = model.embed_positions(["AC", "G"])
    assert [each.tolist() for each in positions] == [[[0, 1], [2, 3]], [[0, 1]]]
    np.testing.assert_array_equal(model.log_likelihoods(["A", "ACG"]), [-1 / 3, -1])
    assert model.likelihood == "masked"
    assert model.effect == "distance"
    (fold,) = model.fold(["ACGU"])
    assert (fold.structure, fold.energy) == ("....", -0.1)
    assert model.design("(...)", 1.0, 0) == ["AAAAA"]
    table = model.gene_table(["MYC", "NONE", "TP53"])
    assert list(table.names) == ["MYC", "TP53"]
    np.testing.assert_array_equal(table.vectors, [[0, 1, 0], [1, 0, 0]])
    assert table.reasons == {"NONE": "no such gene"}
    assert model.match_term("cell_type", "k562", ["a", "K562"]).choice == "K562"
    assert sum(done) <= 2
    assert model.info.notes[0] == "a [31mred note"
    model.close()


@pytest.mark.usefixtures("sandbox")
def test_who_it_is_comes_from_its_files_and_not_from_what_it_says(stranger: Stranger) -> None:
    # It calls itself by the name, version and digest of another model.
    other = load_model("gc").info
    source = f"""
from genomark.models.sequence_function import Readout, SequencePredictor
from genomark.scoring import ModelIdentity
model = SequencePredictor(
    ModelIdentity({other.id!r}, {other.version!r}, {other.digest!r}),
    "gc", {{"point": Readout(lambda s: [1.0] * len(s), "log")}}, batch_invariant=True,
)
"""
    path = stranger(source)
    model = isolated(path, "model")
    assert model.info.id == f"py:{path}:model"
    assert model.info.digest not in (other.digest, load_model(f"py:{path}:model").info.digest)
    model.close()
    payload = payload_of_file(model.info.id, Path(path), "model")
    assert IsolatedModel(payload, Limits()).info.digest == model.info.digest
    assert IsolatedModel(payload, Limits(memory_gb=4)).info.digest != model.info.digest


@pytest.mark.usefixtures("sandbox")
def test_ids_of_items_stay_outside(stranger: Stranger) -> None:
    source = """
from genomark.protocol import PredictResponse, TaskPrediction, Unanswered
from genomark.scoring import ModelIdentity

class Model:
    info = ModelIdentity("m", "1", "0" * 32)
    def predict(self, request):
        raise ValueError(f"asked for {list(request.sequences)} {type(request.sequences).__name__}")
model = Model()
"""
    model = isolated(stranger(source), "model")
    with pytest.raises(ModelError, match=r"ValueError: asked for \['0', '1'\] dict"):
        model.predict(request({"pathogenic-1": "ACGT", "benign-1": "ACGA"}))
    model.close()


@pytest.mark.usefixtures("sandbox")
def test_malformed_answers_are_reasons_and_lines(stranger: Stranger) -> None:
    source = """
from genomark.protocol import PredictResponse, TaskPrediction, Unanswered
from genomark.scoring import ModelIdentity

def told(values):
    return PredictResponse("bad \\x1b]0;x\\x07", [TaskPrediction(
        "t", "e", ["\\x1b[2Jred"], "c", "c" * 9999, "s", "s", None, "log", values)])

class Model:
    info = ModelIdentity("m", "1", "0" * 32)
    def predict(self, request):
        what = next(iter(request.sequences.values()))
        if what == "A": return told({"0": float("nan"), "1": Unanswered("why\\n\\x1b[1m?")})
        if what == "C": return told({"other": 1.0, "1": "text"})
        if what == "G": return told({"0": [[[1]]], "1": None})
        if what == "T": return told("no mapping")
        return "no response"
model = Model()
"""
    model = isolated(stranger(source), "model")
    (task,) = model.predict(request({"a": "A", "b": "A"})).prediction_tasks
    assert np.isnan(task.predictions["a"])
    assert task.predictions["b"].reason == "why [1m?"
    assert task.type_actual == ["[2Jred"]
    assert len(task.cell_type_actual) < 600
    (task,) = model.predict(request({"a": "C", "b": "C"})).prediction_tasks
    assert list(task.predictions) == ["a", "b"]
    assert task.predictions["a"].reason == "missing from the answer"
    assert "expected a number" in task.predictions["b"].reason
    (task,) = model.predict(request({"a": "G", "b": "G"})).prediction_tasks
    assert all(isinstance(value, Unanswered) for value in task.predictions.values())
    for letter in ("T", "N"):
        with pytest.raises(ModelError) as caught:
            model.predict(request({"a": letter}))
        assert "\n" not in str(caught.value)
    model.close()


@pytest.mark.slow
@pytest.mark.usefixtures("sandbox")
def test_arrays_of_the_wrong_shape_are_refused(stranger: Stranger) -> None:
    source = """
import numpy as np
from genomark.models import Fold
from genomark.scoring import ModelIdentity

class Model:
    info = ModelIdentity("m", "1", "0" * 32)
    likelihood = "causal"
    def embed(self, sequences, progress=None):
        return np.zeros((len(sequences) + 1, 3))
    def embed_positions(self, sequences, progress=None):
        return [np.zeros((len(s) + 1, 3)) for s in sequences]
    def log_likelihoods(self, sequences, progress=None):
        return np.zeros((len(sequences), 1))
    def fold(self, sequences, progress=None):
        return [Fold("\\x1b" * len(s), None) for s in sequences]
    def design(self, structure, seconds, seed):
        return ["\\x1b[31m"]
    def match_term(self, category, term, choices):
        from genomark.models import TermAnswer
        return TermAnswer("none of them", None)
model = Model()
"""
    model = isolated(stranger(source), "model")
    for ask in (
        lambda: model.embed(["A"]),
        lambda: model.embed_positions(["A"]),
        lambda: model.log_likelihoods(["A"]),
        lambda: model.fold(["A"]),
        lambda: model.design("...", 1.0, 0),
        lambda: model.match_term("species", "x", ["y"]),
    ):
        with pytest.raises(ModelError, match="cannot be read"):
            ask()
    model.close()


@pytest.mark.usefixtures("sandbox")
def test_memory_that_ran_out_is_an_error_of_memory_for_who_asks_for_less(
    stranger: Stranger,
) -> None:
    source = """
def f(sequences):
    kept = bytearray(len(sequences) << 29)
    return [float(len(kept))] * len(sequences)
"""
    model = isolated(stranger(source), "f", "memory_gb=1.2:")
    with pytest.raises(MemoryOutError, match=r"it may use 1\.2 GB") as caught:
        model.predict(request(dict.fromkeys("abcd", "ACGT")))
    assert isinstance(caught.value, MemoryError)
    assert model.predict(request({"a": "ACGT"})).prediction_tasks[0].predictions == {"a": 2.0**29}
    model.close()


@pytest.mark.slow
@pytest.mark.usefixtures("sandbox")
def test_a_model_whose_sandboxes_end_again_and_again_is_given_up(
    stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = isolated(stranger("import os\ndef f(sequences):\n    os._exit(3)\n"), "f")
    model._ends = 10
    with pytest.raises(ModelError, match=r"exit status 3$"):
        model.predict(request({"a": "A"}))
    with pytest.raises(ModelError, match="it is not asked again"):
        model.predict(request({"a": "A"}))
    # Without another sandbox.
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ModelError, match="it is not asked again"):
        model.predict(request({"a": "A"}))


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise RuntimeError('no\\nweights')", "RuntimeError: no weights"),
        ("import os; os._exit(4)", "it ended by itself with exit status 4"),
        pytest.param("import sys; sys.exit('enough')", "enough", marks=pytest.mark.slow),
        pytest.param(
            "open('/etc/shadow')",
            "No such file or directory: '/etc/shadow'",
            marks=pytest.mark.slow,
        ),
        pytest.param("f = 3", "neither a model nor a function", marks=pytest.mark.slow),
        pytest.param("g = 3", "No object", marks=pytest.mark.slow),
        (
            "class M:\n    from genomark.scoring import ModelIdentity\n"
            "    info = ModelIdentity('m', '1', '0')\n    reads_answers = True\n"
            "    predict_items = predict = print\nf = M()",
            "nothing answers by item there",
        ),
    ],
)
def test_code_that_cannot_be_loaded_is_told_when_it_is_asked_who_it_is(
    stranger: Stranger, source: str, words: str
) -> None:
    model = isolated(stranger(source), "f")
    with pytest.raises(ModelError) as caught:
        _ = model.info
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("isolated:gc", "not isolated"),
        ("isolated:py:./nowhere.py:f", "No file"),
        ("isolated:py:nowhere_at_all:f", "No module named"),
        ("isolated:py:f", "expected py:package.module:object"),
        ("isolated:", "not isolated"),
    ],
)
def test_specs_that_are_none_are_refused(spec: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load_model(spec)


def test_without_a_sandbox_it_refuses_and_says_how_to_get_one(
    stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = f"isolated:py:{stranger('raise SystemExit')}:f"
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match="apt-get install bubblewrap"):
        load_model(spec)
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(UsageError, match="on Linux alone"):
        load_model(spec)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("bwrap: No permissions to create new namespace, likely because", "unprivileged_userns"),
        ("bwrap: setting up uid map: Permission denied", "unprivileged_userns"),
        ("bwrap: Can't find source path /x", "bwrap: Can't find source path /x"),
    ],
)
def test_a_refused_sandbox_is_told(
    stranger: Stranger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, words: str
) -> None:
    program = tmp_path / "bwrap"
    program.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.8.0 && exit 0\n'
        f'echo "{said}" >&2\nexit 1\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(UsageError, match=words) as caught:
        load_model(f"isolated:py:{stranger('f = print')}:f")
    assert "\n" not in str(caught.value)


def test_an_old_bubblewrap_is_told(
    stranger: Stranger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho bubblewrap 0.6.1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(UsageError, match=r"version 0\.6.*needs 0\.8 or later"):
        load_model(f"isolated:py:{stranger('f = print')}:f")


def test_what_runs_no_foreign_code_stays_as_it_is() -> None:
    for spec in (
        "gc",
        "kmer:k=3",
        "http://127.0.0.1:5000",
        "file:py:x.parquet",
        "embedding:vectors.csv",
        "isolated:py:./a.py:f",
        "hf:some/model",
    ):
        assert isolated_spec(spec) == spec
    assert isolated_spec("py:./a.py:f") == "isolated:py:./a.py:f"
    told = isolated_spec("py:./a.py:f", Limits(memory_gb=16))
    assert told == "isolated:memory_gb=16:py:./a.py:f"


@pytest.mark.parametrize("spec", ["hf:some/model,trust=yes", "rna-design:py:./a.py:f"])
def test_foreign_code_inside_a_model_of_genomarks_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="cannot be isolated"):
        isolated_spec(spec)


def _package(folder: Path, name: str, points: str) -> Path:
    """Write a package as pip would leave it in a folder."""
    module = folder / name
    module.mkdir(parents=True)
    about = folder / f"{name}-2.5.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.5\n")
    (about / "entry_points.txt").write_text(points)
    (about / "RECORD").write_text(f"{name}/__init__.py,,\n{name}/labels.csv,,\n")
    (module / "labels.csv").write_text("1")
    return module


@pytest.mark.usefixtures("sandbox")
def test_a_model_of_a_package_is_isolated_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "[genomark.models]\nstranger-model = strangers_own.model:make\n"
    module = _package(tmp_path / "place", "strangers_own", points)
    (module / "__init__.py").write_text("")
    (module / "model.py").write_text(
        "import os\n"
        "def make(power: int = 1):\n"
        "    def f(sequences):\n"
        "        return [float(len(s) ** power) * os.path.exists('/model') for s in sequences]\n"
        "    return f\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "place")
    spec = isolated_spec("stranger-model:power=2")
    assert spec == "isolated:stranger-model:power=2"
    package = model_package(isolated_spec("stranger-model:power=2", Limits(memory_gb=4)))
    assert package is not None
    assert package.origin == "strangers_own 2.5"
    model: Any = load_model(spec)
    assert (model.info.id, model.info.version) == ("stranger-model:power=2", "2.5")
    (task,) = model.predict(request({"a": "ACG"})).prediction_tasks
    assert task.predictions == {"a": 9.0}
    model.close()
    assert "strangers_own.model" not in sys.modules


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("deep.py", b"x = " + b"-" * 200_000 + b"1", "could not be looked at"),
        (b"\xff\xfe.txt", b"", "could not be looked at: UnicodeEncodeError"),
    ],
)
def test_files_that_nobody_can_read_stop_their_own_model_alone(
    stranger: Stranger, name: str | bytes, content: bytes, words: str
) -> None:
    path = stranger("def f(s):\n    return [0.0] * len(s)\n")
    (Path(path).parent / os.fsdecode(name)).write_bytes(content)
    model = isolated(path, "f")
    with pytest.raises(ModelError, match=words) as caught:
        _ = model.info
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("sandbox")
def test_more_hidden_folders_than_can_be_left_out_stop_their_own_model_alone(
    stranger: Stranger,
) -> None:
    path = stranger("def f(s):\n    return [0.0] * len(s)\n")
    for number in range(1200):
        (Path(path).parent / f".hidden{number}").mkdir()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(ModelError, match="holds 1,200 hidden folders"):
        _ = isolated(path, "f").info
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.usefixtures("sandbox")
def test_a_sandbox_whose_declaration_cannot_be_read_is_ended(
    stranger: Stranger,
) -> None:
    source = """
import sys
from genomark.models.isolation.messages import Told
sys.modules["__main__"]._told = lambda model: Told(["Embedder"], declaration=b"\\xc1")
f = print
"""
    before = [each for each in threading.enumerate() if each.name == "sandbox"]
    model = isolated(stranger(source), "f")
    with pytest.raises(ModelError, match="declares what it is not"):
        _ = model.info
    assert [each for each in threading.enumerate() if each.name == "sandbox"] == before


@pytest.mark.usefixtures("sandbox")
def test_packages_in_the_temporary_folder_are_there(
    stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stranger("import passing_thing\ndef f(s):\n    return [passing_thing.VALUE] * len(s)\n")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        place = Path(folder) / "site-packages"
        place.mkdir()
        Path(folder).chmod(0o755)
        (place / "passing_thing.py").write_text("VALUE = 7.0\n")
        monkeypatch.syspath_prepend(place)
        monkeypatch.setenv("PYTHONPATH", str(place))
        installation.installed_places.cache_clear()
        try:
            model = isolated(path, "f")
            (task,) = model.predict(request({"a": "ACG"})).prediction_tasks
            model.close()
        finally:
            installation.installed_places.cache_clear()
    assert task.predictions == {"a": 7.0}


@pytest.mark.usefixtures("sandbox")
def test_vectors_and_lists_are_as_long_as_they_may_be(stranger: Stranger) -> None:
    source = """
import numpy as np
from genomark.models.genes.table import GeneTable
from genomark.scoring import ModelIdentity

class Model:
    info = ModelIdentity("m", "1", "0" * 32)
    def embed(self, sequences, progress=None):
        return np.zeros((len(sequences), int(sequences[0]) if sequences else 1 << 40))
    def embed_positions(self, sequences, progress=None):
        return []
    def gene_table(self, names, kind="symbol"):
        return GeneTable(["A"], np.eye(1, dtype=np.float32), "x")

import genomark.models.isolation.messages as messages
import sys
def genes(names, vectors, reasons):
    return messages.Genes(names, vectors, {str(number): "x" for number in range(3)})
sys.modules["__main__"].Genes = genes
model = Model()
"""
    model = isolated(stranger(source), "model")
    _ = model.info
    assert model.embed(["16384"]).shape == (1, 16_384)
    with pytest.raises(ModelError, match=r"expected floats of \(1, up to 16,384\)"):
        model.embed(["16385"])
    with pytest.raises(ModelError, match="up to 16,384"):
        model.embed([])
    with pytest.raises(ModelError, match="0 answers for 1 sequences"):
        model.embed_positions(["A"])
    with pytest.raises(ModelError, match="more genes than were asked for"):
        model.gene_table(["A", "B"])
    model.close()


@pytest.mark.parametrize("number", [0, 3, 15, 16, 70_000])
def test_entries_are_counted_without_being_read(number: int) -> None:
    for thing in ([1] * number, {str(each): 1 for each in range(number)}):
        assert entries(msgspec.Raw(msgspec.msgpack.encode(thing))) == number
    assert entries(msgspec.Raw(b"")) == 0
    assert entries(msgspec.Raw(b"\xdf\xff\xff\xff\xff")) == (1 << 32) - 1


def test_packages_that_bring_benchmarks_are_hidden_from_models_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "[genomark.benchmarks]\ntheirs = brings_labels:Theirs\n"
    module = _package(tmp_path / "site-packages", "brings_labels", points)
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    installation.installed_places.cache_clear()
    try:
        assert module in installation.hidden_places()
        assert module not in installation.hidden_places("brings_labels")
    finally:
        installation.installed_places.cache_clear()


@pytest.mark.usefixtures("sandbox")
def test_a_bad_model_is_reported_and_the_others_have_their_results(
    stranger: Stranger, tmp_path: Path
) -> None:
    bad = "isolated:py:" + stranger("def f(s):\n    return open('/srv/labels')\n") + ":f"
    bomb = stranger("import os\nos.kill(os.getpid(), 11)\n", "bomb.py")
    results = genomark.run(
        [bad, f"isolated:py:{bomb}:f", "gc"],
        ["simulated-enhancers"],
        out=tmp_path / "results",
        workers=1,
        progress=False,
    )
    assert [each.model.id for each in results] == ["gc"]
    reasons = {each.model: each.reason for each in results.failed}
    assert "No such file or directory: '/srv/labels'" in reasons[bad]
    assert "it died of SIGSEGV" in reasons[f"isolated:py:{bomb}:f"]


@pytest.mark.usefixtures("sandbox")
def test_a_benchmark_gives_the_same_result_inside_and_outside(
    stranger: Stranger, tmp_path: Path
) -> None:
    path = stranger(_SKEW)
    results = genomark.run(
        [f"isolated:py:{path}:skew", f"py:{path}:skew"],
        ["simulated-enhancers"],
        out=tmp_path / "results",
        workers=1,
        progress=False,
    )
    one, other = list(results)
    assert one.model.id == other.model.id
    assert one.model.digest != other.model.digest
    assert [msgspec.to_builtins(row) for row in one.metrics] == [
        msgspec.to_builtins(row) for row in other.metrics
    ]
