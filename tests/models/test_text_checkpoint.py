"""``text:ENCODER`` on a tiny BERT, against torch, transformers and sentence-transformers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_bert import CLS, DIMENSIONS, LENGTH, SEP, add_sentence_modules, save_tiny_bert
from transformers import AutoTokenizer, BertModel

from genomark.errors import ModelError, UsageError
from genomark.models import load_model, registry
from genomark.models.genes.checkpoint import CheckpointEncoder
from genomark.models.genes.text import text as from_checkpoint
from genomark.plug_ins import OWN, PlugIn

TEXTS = ["tp53", "gata 1", "brca1 brca2", "a", "zzz", "tp53 x", "ends with a word"]


@pytest.fixture(autouse=True)
def offline(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def sentence(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sentence") / "model"
    shutil.copytree(saved, folder)
    return add_sentence_modules(folder)


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def encoded(encoder: CheckpointEncoder, texts: list[str]) -> np.ndarray:
    out: np.ndarray | None = None
    for places, vectors in encoder.encode(texts):
        assert vectors.dtype == np.float32
        if out is None:
            out = np.full((len(texts), vectors.shape[1]), -1, np.float32)
        out[places] = vectors
    assert out is not None
    return out


def tokens_of(folder: Path, text: str) -> list[int]:
    ids = AutoTokenizer.from_pretrained(folder)(text, verbose=False)["input_ids"]
    assert (ids[0], ids[-1]) == (CLS, SEP)
    return ids[1:-1]


def last_layer(folder: Path, ids: list[int]) -> np.ndarray:
    with torch.inference_mode():
        model = BertModel.from_pretrained(folder).eval().double()
        return model(torch.tensor([ids])).last_hidden_state[0].numpy()


@pytest.mark.parametrize("special", [False, True])
def test_a_vector_is_the_mean_of_the_last_layer(saved: Path, special: bool) -> None:
    found = encoded(CheckpointEncoder(str(saved), special=special), TEXTS)
    for text, vector in zip(TEXTS, found, strict=True):
        layer = last_layer(saved, [CLS, *tokens_of(saved, text), SEP])
        mean = layer.mean(axis=0) if special else layer[1:-1].mean(axis=0)
        np.testing.assert_allclose(vector, mean, rtol=0, atol=1e-6)


@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize("window", [0, 5])
def test_a_long_text_is_read_in_windows(saved: Path, special: bool, window: int) -> None:
    text = "abcdefghijklmnopqrstuvwxyz0123456789"
    own = tokens_of(saved, text)
    room = (window or LENGTH) - 2
    layers = [
        last_layer(saved, [CLS, *own[start : start + room], SEP])
        for start in range(0, len(own), room)
    ]
    assert len(layers) == -(-36 // room)
    counted = [layer if special else layer[1:-1] for layer in layers]
    expected = np.concatenate(counted).mean(axis=0)
    encoder = CheckpointEncoder(str(saved), special=special, window=window)
    found = encoded(encoder, ["a", text, "b"])
    np.testing.assert_allclose(found[1], expected, rtol=0, atol=1e-6)


def test_special_words_inside_a_text_are_text(saved: Path) -> None:
    layer = last_layer(saved, [CLS, *(own := tokens_of(saved, "a [SEP] b")), SEP])
    assert SEP in own
    found = encoded(CheckpointEncoder(str(saved)), ["a [SEP] b"])
    np.testing.assert_allclose(found[0], layer[1:-1].mean(axis=0), rtol=0, atol=1e-6)


def test_sentence_transformers_runs_a_checkpoint_with_modules(sentence: Path) -> None:
    from sentence_transformers import SentenceTransformer

    expected = SentenceTransformer(str(sentence), device="cpu").encode(TEXTS)
    encoder = CheckpointEncoder(str(sentence))
    np.testing.assert_allclose(encoded(encoder, TEXTS), expected, rtol=0, atol=1e-6)
    # By hand, too: this checkpoint takes the first token and scales it to unit length.
    first = last_layer(sentence, [CLS, *tokens_of(sentence, "tp53"), SEP])[0]
    unit = first / np.linalg.norm(first)
    np.testing.assert_allclose(encoded(encoder, ["tp53"])[0], unit, rtol=0, atol=1e-6)
    assert encoder.notes == [f"encoder: {sentence} (as sentence-transformers pools it)"]


def test_its_tokens_can_be_averaged_all_the_same(saved: Path, sentence: Path) -> None:
    mean = CheckpointEncoder(str(sentence), pooling="mean")
    assert np.array_equal(encoded(mean, TEXTS), encoded(CheckpointEncoder(str(saved)), TEXTS))
    assert len({mean.digest, CheckpointEncoder(str(sentence)).digest}) == 2


def test_a_checkpoint_of_word_vectors_has_no_tokenizer_of_transformers(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models

    words = {"[UNK]": 0, "tp53": 1, "gata1": 2}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    weights = np.arange(12, dtype=np.float32).reshape(3, 4)
    made = SentenceTransformer(
        modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu"
    )
    made.save_pretrained(str(tmp_path / "static"))
    found = encoded(CheckpointEncoder(str(tmp_path / "static")), ["gata1", "tp53"])
    assert np.array_equal(found, weights[[2, 1]])


@pytest.mark.parametrize("kind", ["saved", "sentence"])
def test_order_changes_no_bit_and_neighbours_only_rounding(kind: str, request) -> None:
    encoder = CheckpointEncoder(str(request.getfixturevalue(kind)))
    random = np.random.default_rng(0)
    texts = ["".join(random.choice(list("abc123 "), 1 + i % 40)) + "x" for i in range(300)]
    found = encoded(encoder, texts)
    order = random.permutation(len(texts))
    assert np.array_equal(encoded(encoder, [texts[i] for i in order]), found[order])
    alone = np.concatenate([encoded(encoder, [text]) for text in texts[::30]])
    np.testing.assert_allclose(alone, found[::30], rtol=0, atol=1e-6)


def test_a_text_without_tokens_has_no_vector(saved: Path) -> None:
    found = encoded(CheckpointEncoder(str(saved)), ["a", "\u200b", "b"])
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[[0, 2]]).all()
    table = from_checkpoint(str(saved)).gene_table(["TP53", "\u200b"])
    assert list(table.names) == ["TP53"]
    assert table.reasons == {"\u200b": f"{saved} knows no token of its description"}


def test_base_pairs_longer_than_the_model_sees_get_a_vector(saved: Path, tmp_path: Path) -> None:
    fasta = tmp_path / "genes.fa"
    sequence = "".join(np.random.default_rng(0).choice(list("ACGT"), 1000))
    fasta.write_text(f">TP53\n{sequence}\n>SHORT\nACGT\n")
    model = from_checkpoint(str(saved), descriptions=str(fasta))
    table = model.gene_table(["TP53", "SHORT", "NOPE"])
    assert list(table.names) == ["TP53", "SHORT"]
    assert np.isfinite(table.vectors).all()
    assert model.info.notes[1] == "text: base pairs of genes.fa"


def test_a_spec_becomes_the_model(saved: Path, monkeypatch) -> None:
    point = PlugIn("text", "genomark.models.genes.text:text", registry.GROUP, OWN)
    monkeypatch.setattr(registry, "model_plug_ins", lambda: [point])
    model = load_model(f"text:{saved},special=yes,window=12")
    assert model.info.id == f"text:{saved},special=yes,window=12"
    assert model.info.notes == [
        f"encoder: {saved} (mean of the tokens, special ones in, windows of 12)",
        "text: bare symbols",
    ]
    assert load_model(model.info.id).info == model.info
    assert load_model(f"text:{saved}").info.id == f"text:{saved}"
    with pytest.raises(UsageError, match="Model 'text' needs a"):
        load_model("text")


def test_the_digest_follows_the_files_and_the_settings(saved: Path, copy: Path) -> None:
    first = CheckpointEncoder(str(saved)).digest
    assert CheckpointEncoder(str(copy)).digest == first
    assert CheckpointEncoder(str(copy), device="cpu:0").digest == first
    (copy / "README.md").write_text("of no consequence")
    (copy / "onnx").mkdir()
    (copy / "onnx" / "config.json").write_text("{}")
    assert CheckpointEncoder(str(copy)).digest == first
    different = {
        CheckpointEncoder(str(copy), special=True).digest,
        CheckpointEncoder(str(copy), window=8).digest,
        CheckpointEncoder(str(copy), device="cuda").digest,
    }
    weights = load_file(copy / "model.safetensors")
    save_file(
        {name: tensor + 1e-3 for name, tensor in weights.items()},
        copy / "model.safetensors",
        metadata={"format": "pt"},
    )
    different.add(CheckpointEncoder(str(copy)).digest)
    assert len(different - {first}) == 4


CODE = """
import torch
from transformers import PretrainedConfig, PreTrainedModel


class LettersConfig(PretrainedConfig):
    model_type = "letters"


class Letters(PreTrainedModel):
    config_class = LettersConfig

    def __init__(self, config):
        super().__init__(config)
        self.table = torch.nn.Embedding(80, 3)
        self.post_init()

    def forward(self, input_ids, attention_mask=None):
        return (self.table(input_ids),)
"""


def test_code_of_a_checkpoint_runs_only_if_trusted(copy: Path, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "m"))
    monkeypatch.syspath_prepend(str(tmp_path / "m"))
    (copy / "letters.py").write_text(CODE)
    described = {
        "model_type": "letters",
        "auto_map": {"AutoConfig": "letters.LettersConfig", "AutoModel": "letters.Letters"},
    }
    (copy / "config.json").write_text(json.dumps(described))
    rows = torch.arange(240, dtype=torch.float32).reshape(80, 3)
    save_file({"table.weight": rows}, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"which runs only with trust=yes$"):
        encoded(CheckpointEncoder(str(copy)), ["tp53"])
    trusted = CheckpointEncoder(str(copy), trust=True, window=16)
    expected = rows[tokens_of(copy, "tp53")].mean(dim=0).numpy()
    assert np.array_equal(encoded(trusted, ["tp53"])[0], expected)
    assert trusted.notes[-1] == "runs code that comes with the checkpoint"
    before = trusted.digest
    (copy / "letters.py").write_text(CODE + "\n# changed\n")
    assert CheckpointEncoder(str(copy), trust=True, window=16).digest != before


def test_weights_that_are_lacking_are_not_drawn_at_random(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if "layer.1.output" not in name}
    save_file(kept, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks 4 tensors, first 'encoder\.layer\.1\.output"):
        encoded(CheckpointEncoder(str(copy)), ["tp53"])
    without_pooler = {name: tensor for name, tensor in weights.items() if "pooler" not in name}
    assert len(without_pooler) < len(weights)
    save_file(without_pooler, copy / "model.safetensors", metadata={"format": "pt"})
    assert encoded(CheckpointEncoder(str(copy)), ["tp53"]).shape == (1, DIMENSIONS)


def complaint(name: object, kind: type[Exception] = UsageError, **settings: object) -> str:
    def use() -> None:
        encoded(CheckpointEncoder(str(name), **settings), ["tp53"])  # type: ignore[arg-type]

    with pytest.raises(kind) as caught:
        use()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_cannot_be_used_is_one_line(saved: Path, sentence: Path, copy: Path) -> None:
    assert complaint("./nope").startswith("text:./nope: no such folder, and no name of a checkpo")
    assert complaint("/a/b/c").startswith("text:/a/b/c: no such folder")
    assert "no config.json" in complaint(copy.parent)
    assert "special= and window= say nothing" in complaint(sentence, special=True)
    assert "special= and window= say nothing" in complaint(sentence, window=9)
    assert complaint(saved, window=-1).endswith("window=-1: expected a number of tokens")
    assert complaint(saved, window=2) == "window=2: no room beside 2 special tokens"
    with pytest.raises(ModelError, match="the checkpoint cannot be used"):
        encoded(CheckpointEncoder(str(saved), window=500), ["a" * 40])
    assert "the checkpoint cannot be used" in complaint(saved, ModelError, device="abacus")
    (copy / "model.safetensors").write_bytes(b"not tensors")
    assert "the checkpoint cannot be used" in complaint(copy, ModelError)
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    assert "no weights in the safetensors format" in complaint(copy)


def test_a_name_of_the_hub_that_is_not_here_is_one_line(own_cache, monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(own_cache))
    said = complaint("nobody/nothing@v1", ModelError)
    assert said.startswith("text:nobody/nothing@v1: the checkpoint is not here and cannot be had (")


def test_a_name_of_the_hub_is_brought_at_its_revision(saved: Path, monkeypatch) -> None:
    asked = []

    def download(repository: str, **settings: object) -> str:
        asked.append((repository, settings))
        return str(saved)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    encoder = CheckpointEncoder("org/name@refs/pr/1")
    assert encoder.digest == CheckpointEncoder(str(saved)).digest
    assert encoder.notes[0].startswith("encoder: org/name@refs/pr/1 (")
    CheckpointEncoder("bert", trust=True).digest  # noqa: B018
    (first, how), (second, trusting) = asked
    assert (first, how["revision"]) == ("org/name", "refs/pr/1")
    assert (second, trusting["revision"]) == ("bert", None)
    assert "*.safetensors" in how["allow_patterns"]
    assert "*.py" not in how["allow_patterns"]
    assert "*.py" in trusting["allow_patterns"]
    assert not any("bin" in pattern or "h5" in pattern for pattern in trusting["allow_patterns"])


@pytest.mark.parametrize(
    ("absent", "end"),
    [
        ("torch", "needs torch: pip install 'genomark[torch]'"),
        (
            "sentence_transformers",
            ", which has a modules.json, needs sentence-transformers: "
            "pip install sentence-transformers",
        ),
    ],
)
def test_a_missing_library_is_one_line(sentence: Path, monkeypatch, absent: str, end: str) -> None:
    monkeypatch.setitem(sys.modules, absent, None)
    assert complaint(sentence).endswith(end)


def test_torch_is_imported_when_it_is_used(saved: Path) -> None:
    code = (
        "import sys\n"
        "from genomark.models.genes.text import text\n"
        f"model = text({str(saved)!r})\n"
        "model.info\n"
        "assert not {'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
