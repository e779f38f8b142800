"""Text to text: beside direct calls of transformers, on tiny T5s in the formats real ones have."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training_tasks import labelled, random_sequences

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from safetensors.torch import load_file, save_file  # noqa: E402

from genomark.errors import CapabilityError, GenomarkError, ModelError, UsageError  # noqa: E402
from genomark.models import Fitting, load_model, registry  # noqa: E402
from genomark.plug_ins import OWN, PlugIn  # noqa: E402
from genomark.sequences import LabelledSequences, TaskSplit  # noqa: E402
from genomark.training.saved import load_fit, save_fit  # noqa: E402
from genomark.training.text_to_text import TextToText, t5  # noqa: E402

CLASSES = 6
BASES = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
PIECES = [*BASES, *((letter, -3.0) for letter in "ACGTN"), ("ACG", -3.5), ("▁TT", -4.0)]
SENTINELS = 12
WIDTH = len(PIECES) + SENTINELS + 3
SEQUENCES = random_sequences(30, 3, (8, 40))


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    point = PlugIn("t5", "genomark.training.text_to_text:t5", registry.GROUP, OWN)
    monkeypatch.setattr(registry, "model_plug_ins", lambda: [point])


def write_tokenizer(folder: Path, pieces: list[tuple[str, float]], sentinels: int) -> Path:
    from transformers import T5Tokenizer

    T5Tokenizer(vocab=pieces, extra_ids=sentinels).save_pretrained(folder)
    return folder


def random_t5(width: int) -> Any:
    from transformers import T5Config, T5ForConditionalGeneration

    with torch.random.fork_rng():
        torch.manual_seed(3)
        config = T5Config(
            vocab_size=width, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2,
            decoder_start_token_id=0,
        )  # fmt: skip
        model = T5ForConditionalGeneration(config)
    with torch.no_grad():
        # Or all sequences would be answered with much the same.
        for block in model.decoder.block:
            block.layer[1].EncDecAttention.o.weight *= 10
    return model


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A T5 of random weights, over pieces of DNA; its answers are all over its words."""
    folder = tmp_path_factory.mktemp("t5") / "dna"
    write_tokenizer(folder, PIECES, SENTINELS)
    model = random_t5(WIDTH)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Words for classes, two of them for 3, and for other things."""
    words = [("▁" + str(each), -1.0) for each in range(CLASSES)]
    folder = tmp_path_factory.mktemp("t5") / "numbers"
    more = [("3", -2.0), ("▁17", -1.0), ("▁yes", -1.0)]
    return write_tokenizer(folder, [*BASES, *words, *more], 4)


def split_of(train: LabelledSequences, select_by: str = "spearman") -> TaskSplit:
    n = len(train)
    return TaskSplit(
        "t", train.take(range(2 * n // 3)), train.take(range(2 * n // 3, n)), select_by
    )


def ordinal(classes: int = CLASSES, labels: int = 1) -> TaskSplit:
    """Classes 0 to k - 1; with several labels, a seventh is not told."""
    told = np.add.outer(np.arange(len(SEQUENCES)), np.arange(labels)).astype(float)
    told %= classes
    if labels > 1:
        told[np.add.outer(np.arange(len(SEQUENCES)), np.arange(labels)) % 7 == 2] = np.nan
    names = tuple(f"y{each}" for each in range(labels))
    return split_of(labelled("regression", names, SEQUENCES, told))


def first_word_logits(folder: Path, ids: list[list[int]]) -> np.ndarray[Any, Any]:
    """What transformers says of each sequence on its own, as the authors of GUANinE call it."""
    from transformers import AutoModelForSeq2SeqLM

    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    start = torch.tensor([[0]])
    with torch.no_grad():
        found = [model(torch.tensor([each]), decoder_input_ids=start).logits[0, 0] for each in ids]
    return np.array([each.numpy() for each in found], dtype=np.float64)


def ids_of(folder: Path, sequences: list[str]) -> list[list[int]]:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)(sequences)["input_ids"]


def answers(model: TextToText, split: TaskSplit, sequences: list[str] = SEQUENCES) -> Any:
    return np.asarray(model.fit_task(split, Fitting()).answers(sequences))


def test_a_published_model_answers_with_the_word_a_direct_call_decodes(
    checkpoint: Path, vocabulary: Path
) -> None:
    from transformers import AutoTokenizer

    logits = first_word_logits(checkpoint, ids_of(checkpoint, SEQUENCES))
    reader = AutoTokenizer.from_pretrained(vocabulary)
    words = [reader.decode([int(each)]).strip() for each in logits.argmax(axis=1)]
    expected = [float(word) if word in list("012345") else np.nan for word in words]
    model = t5(str(checkpoint), fit="no", vocabulary=str(vocabulary))
    fitted = model.fit_task(ordinal(), Fitting())
    found = np.asarray(fitted.answers(SEQUENCES))
    assert found.shape == (len(SEQUENCES), 1)
    assert np.array_equal(found[:, 0], expected, equal_nan=True)
    strays = int(np.isnan(expected).sum())
    assert 0 < strays < len(SEQUENCES)
    note = f"{strays} times the likeliest word was no class of the task: no number was answered"
    assert fitted.report["notes"] == [note]
    assert not model.varies_with_seed
    assert model.info.notes == [
        "text to text, as published, not fitted; answers are the likeliest class"
    ]


def test_the_expected_class_is_the_mean_under_the_softmax_over_class_words(
    checkpoint: Path, vocabulary: Path
) -> None:
    logits = first_word_logits(checkpoint, ids_of(checkpoint, SEQUENCES))
    # After the four first words of the vocabulary: 0 to 5, and another 3.
    shares = np.exp(logits[:, 4:11])
    shares /= shares.sum(axis=1, keepdims=True)
    expected = shares @ [0, 1, 2, 3, 4, 5, 3]
    model = t5(str(checkpoint), fit="no", vocabulary=str(vocabulary), answer="expected")
    found = answers(model, ordinal())[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert len(set(found)) == len(set(SEQUENCES))


def test_neither_padding_nor_order_changes_answers(checkpoint: Path, vocabulary: Path) -> None:
    model = t5(str(checkpoint), fit="no", vocabulary=str(vocabulary), answer="expected")
    fitted = model.fit_task(ordinal(), Fitting())
    together = np.asarray(fitted.answers(SEQUENCES))
    alone = np.concatenate([np.asarray(fitted.answers([each])) for each in SEQUENCES])
    np.testing.assert_allclose(alone, together, atol=1e-5)
    assert np.array_equal(np.asarray(fitted.answers(SEQUENCES[::-1]))[::-1], together)
    written_as_rna = [each.replace("T", "U").lower() for each in SEQUENCES]
    assert np.array_equal(np.asarray(fitted.answers(written_as_rna)), together)


def test_weights_of_the_older_format_answer_the_same(
    checkpoint: Path, vocabulary: Path, tmp_path: Path
) -> None:
    older = Path(shutil.copytree(checkpoint, tmp_path / "older"))
    torch.save(load_file(older / "model.safetensors"), older / "pytorch_model.bin")
    (older / "model.safetensors").unlink()
    settings = {"fit": "no", "vocabulary": str(vocabulary), "answer": "expected"}
    assert np.array_equal(
        answers(t5(str(older), **settings), ordinal()),
        answers(t5(str(checkpoint), **settings), ordinal()),
    )


def test_labels_are_asked_for_one_by_one_after_their_prefixes(
    checkpoint: Path, vocabulary: Path
) -> None:
    prefixes = ["ACGA", "TT", "<extra_id_1>"]
    model = t5(
        str(checkpoint), fit="no", vocabulary=str(vocabulary), answer="expected",
        prefixes="/".join(prefixes),
    )  # fmt: skip
    found = answers(model, ordinal(labels=3))
    before = [each[:-1] for each in ids_of(checkpoint, prefixes)]
    for column, prefix in enumerate(before):
        ids = [[*prefix, *each] for each in ids_of(checkpoint, SEQUENCES)]
        shares = np.exp(first_word_logits(checkpoint, ids)[:, 4:11])
        expected = shares @ [0, 1, 2, 3, 4, 5, 3] / shares.sum(axis=1)
        np.testing.assert_allclose(found[:, column], expected, rtol=1e-4)


def test_probabilities_of_classes_and_the_log_odds_of_yes(
    checkpoint: Path, vocabulary: Path
) -> None:
    logits = first_word_logits(checkpoint, ids_of(checkpoint, SEQUENCES))
    rows = np.arange(len(SEQUENCES)) % 3
    settings = {"fit": "no", "vocabulary": str(vocabulary)}
    several = split_of(labelled("multi-class", ("a", "b", "c"), SEQUENCES, np.eye(3)[rows]), "mcc")
    soft = answers(t5(str(checkpoint), answer="expected", **settings), several)
    shares = np.exp(logits[:, 4:7])
    np.testing.assert_allclose(soft, shares / shares.sum(axis=1, keepdims=True), rtol=1e-4)
    hard = answers(t5(str(checkpoint), **settings), several)
    there = np.isin(logits.argmax(axis=1), (4, 5, 6))
    assert np.array_equal(hard[there], np.eye(3)[logits[there, 4:7].argmax(axis=1)])
    assert np.isnan(hard[~there]).all()
    yes = split_of(labelled("binary", ("yes",), SEQUENCES, rows[:, None] % 2 * 1.0), "auroc")
    odds = answers(t5(str(checkpoint), answer="expected", **settings), yes)
    np.testing.assert_allclose(odds[:, 0], logits[:, 5] - logits[:, 4], rtol=1e-4, atol=1e-4)


def test_the_loss_is_that_of_transformers_for_the_class_word(
    checkpoint: Path, vocabulary: Path
) -> None:
    from transformers import AutoModelForSeq2SeqLM

    from genomark.training.t5_checkpoint import T5Checkpoint
    from genomark.training.text_form import TaskClasses
    from genomark.training.text_network import FirstWord, TextEncoder, TextObjective

    source = T5Checkpoint(
        str(checkpoint), vocabulary=str(vocabulary), prefixes="", tokens="own", published=False
    )
    # Without 3, which this vocabulary has two words for.
    form = source.form(TaskClasses("t", "regression", 1, (0, 1, 2, 4, 5)))
    objective, encoder = TextObjective.of_form(form, "class"), TextEncoder(source)
    network = FirstWord(source.network(form), form, exact=False)
    told = [np.array([each]) for each in (0.0, 5.0, np.nan, 4.0, 9.0)]
    outputs = network(encoder.batch(encoder.encode(SEQUENCES[:5])))
    total, counted = objective.loss(outputs, objective.target(told))
    # What is not told, or a class that training has not seen, weighs nothing.
    assert counted.item() == 3
    model = AutoModelForSeq2SeqLM.from_pretrained(checkpoint).eval()
    expected = sum(
        model(
            input_ids=torch.tensor(ids_of(checkpoint, [SEQUENCES[row]])),
            labels=torch.tensor([[4 + value]]),
        ).loss.item()
        for row, value in ((0, 0), (1, 5), (3, 4))
    )
    assert total.item() == pytest.approx(expected, rel=1e-5)
    assert objective.mean_loss(list(outputs.detach().numpy()), told) == pytest.approx(
        expected / 3, rel=1e-5
    )


def test_a_checkpoint_without_numbers_says_classes_with_words_for_no_text(
    checkpoint: Path,
) -> None:
    from transformers import AutoTokenizer

    from genomark.training.t5_checkpoint import T5Checkpoint
    from genomark.training.text_form import TaskClasses

    source = T5Checkpoint(
        str(checkpoint), vocabulary="", prefixes="", tokens="own", published=False
    )
    form = source.form(TaskClasses("t", "regression", 2, (0, 1, 4)))
    ids = AutoTokenizer.from_pretrained(checkpoint).convert_tokens_to_ids
    assert form.words == tuple(ids(f"<extra_id_{each}>") for each in range(3))
    assert form.prefixes == ((ids("<extra_id_11>"),), (ids("<extra_id_10>"),))


@pytest.mark.parametrize("labels", [1, 2])
def test_a_checkpoint_is_fitted_to_classes(checkpoint: Path, labels: int) -> None:
    model = t5(str(checkpoint), epochs=4, batch_size=8, answer="expected", learning_rate=0.003)
    split = ordinal(labels=labels)
    fitted = model.fit_task(split, Fitting(seed=1))
    found = np.asarray(fitted.answers(SEQUENCES))
    assert found.shape == (len(SEQUENCES), labels)
    assert ((found >= 0) & (found <= CLASSES - 1)).all()
    report = fitted.report
    assert report["trained_parameters"] == report["parameters"]
    assert report["classes"] == CLASSES
    curve = [each["train_loss"] for each in report["curve"]]
    assert curve[-1] < curve[0]
    again = np.asarray(model.fit_task(split, Fitting(seed=1)).answers(SEQUENCES))
    assert found.tobytes() == again.tobytes()


def gc_task(n: int = 180, classes: int = 3) -> TaskSplit:
    """The class is the third of all sequences, by their share of G and C."""
    draws = np.random.default_rng(5)
    shares = draws.uniform(0.1, 0.9, n)
    sequences = [
        "".join(draws.choice(list("GCAT"), 24, p=[x / 2, x / 2, (1 - x) / 2, (1 - x) / 2]))
        for x in shares
    ]
    gc = np.array([each.count("G") + each.count("C") for each in sequences])
    edges = np.quantile(gc, np.arange(1, classes) / classes)
    told = np.searchsorted(edges, gc).astype(float)[:, None]
    return split_of(labelled("regression", ("y",), sequences, told))


@pytest.fixture(scope="module")
def scratch() -> str:
    return "t5:scratch,answer=expected,d_model=16,layers=1,heads=2,epochs=12,patience=12"


def test_a_t5_from_scratch_learns(scratch: str) -> None:
    from scipy.stats import spearmanr

    split = gc_task()
    model = load_model(scratch)
    assert isinstance(model, TextToText)
    found = answers(model, split, list(split.valid.sequences))[:, 0]
    targets = np.asarray(split.valid.targets)[:, 0]
    rho = spearmanr(found, targets).statistic
    assert rho > 0.8
    other = model.fit_task(split, Fitting(seed=2))
    assert not np.array_equal(np.asarray(other.answers(split.valid.sequences))[:, 0], found)


def test_prefixes_tell_labels_apart(scratch: str) -> None:
    split = gc_task(120)
    parts = []
    for part in (split.train, split.valid):
        low = np.asarray(part.targets)
        told = np.hstack([low, low + 3])
        # Of each sequence, one of the two is told.
        told[np.arange(len(part)), np.arange(len(part)) % 2] = np.nan
        parts.append(labelled("regression", ("low", "high"), list(part.sequences), told))
    both = TaskSplit("both", parts[0], parts[1], "spearman")
    model = load_model(f"{scratch},batch_size=8,learning_rate=0.004")
    assert isinstance(model, TextToText)
    found = answers(model, both, list(split.valid.sequences))
    assert (found[:, 0] < found[:, 1]).all()
    assert found[:, 0].mean() < 2 < 3 < found[:, 1].mean()


def test_words_of_k_letters_stand_side_by_side() -> None:
    from genomark.training.t5_scratch import T5FromScratch

    letters = T5FromScratch(8, 1, 2, 1, 0.0)
    words = T5FromScratch(8, 1, 2, 2, 0.0)
    assert [each.tolist() for each in letters.encode(["ACGTN", "aU"])] == [
        [3, 4, 5, 6, 7, 1],
        [3, 6, 1],
    ]
    # AA is word 8, and there are 16 of them: CG is 8 + 4 * 1 + 2.
    assert [each.tolist() for each in words.encode(["AACG", "CGT", "TTN"])] == [
        [8, 14, 1],
        [14, 6, 1],
        [23, 7, 1],
    ]


def test_a_fit_that_was_stopped_goes_on_to_the_same_bytes(scratch: str, tmp_path: Path) -> None:
    split = gc_task(60)
    model = load_model(scratch)
    assert isinstance(model, TextToText)
    whole = answers(model, split)

    def stop_after_four(line: str) -> None:
        if line.startswith("epoch 4 "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit_task(split, Fitting(workspace=tmp_path, tell=stop_after_four))
    lines: list[str] = []
    fitted = model.fit_task(split, Fitting(workspace=tmp_path, tell=lines.append))
    assert lines[0].startswith("Going on from epoch 4")
    assert np.asarray(fitted.answers(SEQUENCES)).tobytes() == whole.tobytes()


def test_saved_fits_answer_the_same(
    scratch: str, checkpoint: Path, vocabulary: Path, tmp_path: Path
) -> None:
    specs = {
        "scratch": scratch.replace("epochs=12", "epochs=1"),
        "fitted": f"t5:{checkpoint},epochs=1,batch_size=8",
        "published": f"t5:{checkpoint},fit=no,vocabulary={vocabulary}",
    }
    for name, spec in specs.items():
        model = load_model(spec)
        assert isinstance(model, TextToText)
        assert model.spec == load_model(model.spec).info.id
        fitted = model.fit_task(ordinal(labels=1), Fitting(seed=3))
        save_fit(tmp_path / name, fitted, model=model, split=ordinal(labels=1), seed=3)
        loaded = load_fit(tmp_path / name)
        both = [np.asarray(each.answers(SEQUENCES)) for each in (fitted, loaded)]
        assert np.array_equal(*both, equal_nan=True)


def test_the_identity_follows_all_that_changes_answers(
    checkpoint: Path, vocabulary: Path, tmp_path: Path
) -> None:
    name, words = str(checkpoint), str(vocabulary)
    copied = str(shutil.copytree(checkpoint, tmp_path / "copy"))
    assert t5(copied).info.digest == t5(name).info.digest
    settings: list[dict[str, Any]] = [
        {}, {"answer": "expected"}, {"fit": "no"}, {"vocabulary": words}, {"prefixes": "TT"},
        {"fit": "no", "vocabulary": words}, {"tokens": "single"}, {"epochs": 3},
        {"learning_rate": 0.5},
    ]  # fmt: skip
    assert len({t5(name, **each).info.digest for each in settings}) == len(settings)
    scratches: list[dict[str, Any]] = [{}, {"d_model": 32}, {"k": 3}, {"dropout": 0.2}]
    assert len({t5("scratch", **each).info.digest for each in scratches}) == len(scratches)


def complaint(make: Callable[[], object], kind: type[GenomarkError] = UsageError) -> str:
    with pytest.raises(kind) as caught:
        make()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_tasks_that_no_word_can_answer_are_refused(checkpoint: Path, vocabulary: Path) -> None:
    name, words = str(checkpoint), str(vocabulary)
    said = complaint(lambda: t5(name).check_task("token-classes"), CapabilityError)
    assert said.endswith(
        "cannot answer 'token-classes' tasks; it can regression, binary, multi-class "
        "(of whole numbers)"
    )
    values = split_of(labelled("regression", ("y",), SEQUENCES, np.full((30, 1), 0.25)))
    said = complaint(lambda: answers(t5("scratch"), values))
    assert "'y' has the value 0.25" in said
    assert said.endswith("bin the values")
    untold = split_of(labelled("regression", ("y",), SEQUENCES, np.full((30, 1), np.nan)))
    assert "nothing is told of 'y'" in complaint(lambda: answers(t5("scratch"), untold))
    said = complaint(lambda: answers(t5(name, fit="no"), ordinal()))
    assert "no word for 6 of the 6 classes of 't', first '0'" in said
    assert said.endswith("vocabulary=NAME")
    assert "no word for 20 of the 20" in complaint(lambda: answers(t5(name), ordinal(20)))
    published = t5(name, fit="no", vocabulary=words)
    said = complaint(lambda: answers(published, ordinal(labels=2)))
    assert "asks 2 labels, and what parts them is not known" in said
    said = complaint(lambda: answers(t5(name), ordinal(11, labels=2)))
    assert "it has no words to spare" in said
    said = complaint(lambda: answers(t5(name, prefixes="TT"), ordinal(labels=2)))
    assert "1 prefixes for the 2 labels" in said
    said = complaint(lambda: answers(t5(name, prefixes="TT/?"), ordinal(labels=2)))
    assert "prefix '?' is not made of words" in said


def test_settings_without_a_meaning_or_out_of_range_are_refused(checkpoint: Path) -> None:
    name = str(checkpoint)
    said = complaint(lambda: t5("scratch", vocabulary="x"))
    assert said == (
        "'t5:scratch,vocabulary=x': vocabulary has no meaning for a T5 from scratch; leave it out"
    )
    assert "layers has no meaning for a checkpoint" in complaint(lambda: t5(name, layers=3))
    assert "epochs has no meaning for a T5 that is not fitted" in complaint(
        lambda: t5(name, fit="no", epochs=3)
    )
    assert "d_model=10 is no multiple of heads=4" in complaint(lambda: t5("scratch", d_model=10))
    assert "k must be at most 6, not 7" in complaint(lambda: t5("scratch", k=7))
    assert "layers must be 1 or more" in complaint(lambda: t5("scratch", layers=0))
    assert "dropout must be" in complaint(lambda: t5("scratch", dropout=1.0))
    assert "no such folder" in complaint(lambda: t5("no/such/folder"))
    assert "no such folder" in complaint(lambda: t5(name, vocabulary="./no/such/folder"))


def test_folders_that_are_no_t5_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(checkpoint, tmp_path / "bert"))
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "model_type": "bert"}))
    assert "a model of the type 'bert'; expected t5" in complaint(
        lambda: answers(t5(str(other)), ordinal())
    )
    weights = load_file(checkpoint / "model.safetensors")
    del weights["decoder.final_layer_norm.weight"]
    lacking = shutil.copytree(checkpoint, tmp_path / "lacking")
    save_file(weights, lacking / "model.safetensors", metadata={"format": "pt"})
    said = complaint(lambda: answers(t5(str(lacking)), ordinal()), ModelError)
    assert "lacks 1 tensors, first 'decoder.final_layer_norm.weight'" in said


def test_how_far_answering_has_come_is_told(
    checkpoint: Path, vocabulary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genomark.training.text_to_text._SECONDS_BETWEEN_LINES", 0.0)
    lines: list[str] = []
    model = t5(str(checkpoint), fit="no", vocabulary=str(vocabulary))
    model.fit_task(ordinal(), Fitting(tell=lines.append)).answers(SEQUENCES)
    assert lines[-1] == "answering: 30 of 30"


def test_a_vocabulary_of_the_hub_out_of_reach_is_told_in_a_line(checkpoint: Path) -> None:
    model = t5(str(checkpoint), fit="no", vocabulary="nobody/no-such-vocabulary")
    said = complaint(lambda: answers(model, ordinal()), ModelError)
    assert "the checkpoint is not here and cannot be had" in said


def train_pieces(folder: Path, texts: list[str], **settings: Any) -> Any:
    """Train a spiece.model as those of T5 are, with 100 words more that stand for no text."""
    from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

    written = io.BytesIO()
    as_t5 = {"vocab_size": 40, "pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
    SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=written, hard_vocab_limit=False,
        num_threads=1, minloglevel=2, **{**as_t5, **settings},
    )  # fmt: skip
    folder.mkdir(exist_ok=True)
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "T5Tokenizer"}')
    return write_pieces(folder, SentencePieceProcessor(model_proto=written.getvalue()))


def write_pieces(folder: Path, pieces: Any) -> Any:
    (folder / "spiece.model").write_bytes(pieces.serialized_model_proto())
    more = {f"<extra_id_{each}>": len(pieces) + 99 - each for each in range(100)}
    (folder / "added_tokens.json").write_text(json.dumps(more))
    return pieces


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The files that t5_baseline of GUANinE has, and SentencePiece with its model."""
    pytest.importorskip("sentencepiece")
    pytest.importorskip("google.protobuf")
    folder = tmp_path_factory.mktemp("t5") / "older"
    pieces = train_pieces(folder, SEQUENCES)
    model = random_t5(len(pieces) + 100)
    with torch.no_grad():
        # Classes are words 3 to 8: now often, but not always, the likeliest.
        model.shared.weight[3 : 3 + CLASSES] *= 5
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    config = {**model.config.to_dict(), "architectures": ["T5ForConditionalGeneration"]}
    (folder / "config.json").write_text(json.dumps(config))
    return folder, pieces


def test_a_model_in_the_format_of_sentencepiece_answers_as_published(
    older: tuple[Path, Any], tmp_path: Path
) -> None:
    folder, pieces = older
    numbers = [str(each) for each in range(CLASSES)]
    texts = [f"class {each}" for each in numbers]
    words = train_pieces(tmp_path / "numbers", texts, user_defined_symbols=numbers)
    # No piece has the letter N.
    sequences = [*SEQUENCES, "ACGGTNNTTACG"]
    ids = [[*pieces.encode(each), pieces.eos_id()] for each in sequences]
    assert pieces.unk_id() in ids[-1]
    assert ids_of(folder, sequences) == ids
    said = first_word_logits(folder, ids).argmax(axis=1).tolist()
    read = [words.decode([each]) if each < len(words) else "" for each in said]
    expected = [float(each) if each in numbers else np.nan for each in read]
    assert len(set(read) & set(numbers)) > 2
    assert np.isnan(expected).any()
    model = t5(str(folder), fit="no", vocabulary=str(tmp_path / "numbers"))
    found = answers(model, ordinal(), sequences)
    assert np.array_equal(found[:, 0], expected, equal_nan=True)


@pytest.mark.parametrize(
    "settings",
    [
        {"model_type": "bpe"},
        {"add_dummy_prefix": False},
        {"pad_id": 3, "eos_id": 2, "unk_id": 0, "bos_id": 1},
        {"user_defined_symbols": ["CG"]},
    ],
    ids=str,
)
def test_pieces_that_transformers_cuts_otherwise_than_they_were_trained_are_refused(
    older: tuple[Path, Any], settings: dict[str, Any], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(older[0], tmp_path / "other"))
    train_pieces(folder, SEQUENCES, **settings)
    said = complaint(lambda: answers(t5(str(folder)), ordinal()), ModelError)
    assert said.startswith(f"t5:{folder}: transformers cuts '")
    assert "and SentencePiece by spiece.model into [" in said
    assert said.endswith('"tokenizer_class": "PreTrainedTokenizerFast"')


def test_cuts_that_are_as_likely_are_no_reason_to_refuse(
    older: tuple[Path, Any], tmp_path: Path
) -> None:
    from sentencepiece import SentencePieceProcessor, sentencepiece_model_pb2

    from genomark.training.t5_checkpoint import T5Checkpoint

    folder = Path(shutil.copytree(older[0], tmp_path / "ties"))
    model = sentencepiece_model_pb2.ModelProto()
    words = [("▁", -2.0), ("A", -3.0), ("AA", -4.1), ("AAAA", -5.3), ("AAAAAAA", -50.0)]
    for word, score in [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *words]:
        kind = 2 if word == "<unk>" else 1 if score else 3
        model.pieces.add(piece=word, score=score, type=kind)
    for name, token in {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}.items():
        setattr(model.trainer_spec, name, token)
    pieces = SentencePieceProcessor(model_proto=model.SerializeToString())
    write_pieces(folder, pieces)
    own, expected = ids_of(folder, ["A" * 7])[0], [*pieces.encode("A" * 7), 1]
    assert own != expected
    assert sorted(own) == sorted(expected) == [1, 3, 4, 5, 6]
    source = T5Checkpoint(str(folder), vocabulary="", prefixes="", tokens="own", published=True)
    assert source.encode(["A" * 7])[0].tolist() == own


def test_what_a_model_in_the_format_of_sentencepiece_lacks_is_told(
    older: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(older[0], tmp_path / "older"))
    config = json.loads((folder / "config.json").read_text())
    config["vocab_size"] -= 88
    (folder / "config.json").write_text(json.dumps(config))
    said = complaint(lambda: answers(t5(str(folder), prefixes="<extra_id_0>"), ordinal()))
    assert "prefix '<extra_id_0>' is not made of words that it knows" in said
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    line = f"t5:{folder}: its tokenizer is a spiece.model, which needs"
    for module in ("google.protobuf", "google"):
        monkeypatch.setitem(sys.modules, module, None)
        said = complaint(lambda: answers(t5(str(folder)), ordinal()))
        assert said == f"{line} sentencepiece, protobuf: pip install 'genomark[hub]'"
