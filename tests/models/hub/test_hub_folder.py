"""Checkpoints with a head over the symbols of structures, as Folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny_checkpoints
import torch
import transformers

from genomark.errors import CapabilityError, UsageError
from genomark.models import Embedder, Folder
from genomark.models.hub.model import hub_model
from genomark.rna.decoding import nested_structure

HAIRPIN = "GGGACGAAAACGUCCC"


def tagger(
    folder: Path, labels: tuple[str, ...] = (")", ".", "("), *, form: str = "letters", seed: int = 0
) -> str:
    """A BERT whose head tells a label a token; over letters of RNA, or over 3-mers."""
    if form == "letters":
        tiny_checkpoints.bert_of_letters(folder)
    else:
        tiny_checkpoints.bert_of_kmers(folder, k=3, letters="ACGU")
    told = json.loads((folder / "config.json").read_text())
    with tiny_checkpoints.seeded(seed):
        config = transformers.BertConfig(
            **tiny_checkpoints._settings(told["vocab_size"]), id2label=dict(enumerate(labels))
        )
        transformers.BertForTokenClassification(config).save_pretrained(folder)
    return str(folder)


def symbols_by_hand(folder: str, sequence: str) -> np.ndarray:
    """Probabilities of the labels of each base, by transformers and nothing else."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    network = transformers.AutoModelForTokenClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        logits = network(**tokenizer(" ".join(sequence), return_tensors="pt")).logits[0]
    return logits[1:-1].softmax(dim=-1).double().numpy()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tagger(tmp_path_factory.mktemp("tagger") / "letters")


def test_a_head_over_symbols_folds_by_what_it_tells_of_each_base(
    folder: str, random_sequences: Callable[..., list[str]]
) -> None:
    model = hub_model(folder)
    assert isinstance(model, Folder)
    assert isinstance(model, Embedder)
    sequences = [HAIRPIN, *random_sequences(6, 20, 60, "ACGU")]
    done: list[int] = []
    found = model.fold(sequences, done.append)
    assert done == [1] * len(sequences)
    for sequence, fold in zip(sequences, found, strict=True):
        expected = nested_structure(symbols_by_hand(folder, sequence), sequence, (")", ".", "("))
        assert fold.structure == expected
        assert fold.energy is None
    assert any("(" in fold.structure for fold in found)


def test_a_sequence_folds_the_same_beside_others_and_as_dna(folder: str) -> None:
    model = hub_model(folder)
    alone = model.fold([HAIRPIN])
    assert model.fold(["ACGU" * 10, HAIRPIN, HAIRPIN.replace("U", "T").lower()])[1:] == alone * 2
    assert model.fold([]) == []


def test_long_sequences_are_told_by_the_mean_of_their_windows(folder: str) -> None:
    sequence = "GGCAUUAGCCAAUGGCUAGCUUAACCGGAUUCGGCC"
    model = hub_model(folder, window=22, stride=16)
    windows = [(start, sequence[start : start + 20]) for start in (0, 16)]
    sums, held = np.zeros((36, 3)), np.zeros((36, 1))
    for start, part in windows:
        sums[start : start + 20] += symbols_by_hand(folder, part)
        held[start : start + 20] += 1
    expected = nested_structure(sums / held, sequence, (")", ".", "("))
    assert model.fold([sequence])[0].structure == expected
    assert len(hub_model(folder).fold(["ACGU" * 50])[0].structure) == 200


def test_other_labels_are_no_structure(tmp_path: Path) -> None:
    model = hub_model(tagger(tmp_path / "other", ("yes", "no", "perhaps")))
    assert not isinstance(model, Folder)
    assert isinstance(model, Embedder)
    with pytest.raises(CapabilityError, match="its head tells 'yes', 'no', 'perhaps', so it canno"):
        model.fold([HAIRPIN])


def test_a_head_over_words_is_no_structure(checkpoint: Callable[[str], str]) -> None:
    model = hub_model(checkpoint("bert-letters"))
    assert not isinstance(model, Folder)
    with pytest.raises(CapabilityError, match=r"names BertForMaskedLM\), so it cannot fold") as it:
        model.fold([HAIRPIN])
    assert "\n" not in str(it.value)


def test_tokens_of_several_bases_are_refused(tmp_path: Path) -> None:
    model = hub_model(tagger(tmp_path / "words", form="words"))
    with pytest.raises(CapabilityError, match="14 tokens stand for 16 bases"):
        model.fold([HAIRPIN])


def test_what_is_no_rna_is_refused(folder: str) -> None:
    with pytest.raises(UsageError, match="sequence 2, position 3: letter 'X'"):
        hub_model(folder).fold([HAIRPIN, "ACXGU"])


def test_both_strands_have_no_structure_in_common(folder: str) -> None:
    with pytest.raises(UsageError, match="strands=both: a structure is of one strand"):
        hub_model(folder, strands="both").fold([HAIRPIN])
