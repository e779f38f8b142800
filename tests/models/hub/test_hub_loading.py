"""What may be loaded, what is refused, and what a model is known by."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny_checkpoints as tiny
import torch
from safetensors.torch import load_file, save_file

from genomark.errors import CapabilityError, GenomarkError, ModelError, UsageError
from genomark.models import load_model, registry
from genomark.models.hub.checkpoint import HubCheckpoint
from genomark.models.hub.model import hub_model
from genomark.plug_ins import OWN, PlugIn


@pytest.fixture
def copy(checkpoint, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint("esm"), tmp_path / "copy"))


def complaint(name: object, kind: type[GenomarkError] = UsageError, **settings: object) -> str:
    with pytest.raises(kind) as caught:
        hub_model(str(name), **settings).embed(["ACGT"])
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_spec_becomes_the_model(checkpoint, monkeypatch) -> None:
    point = PlugIn("hf", "genomark.models.hub.model:hub_model", registry.GROUP, OWN)
    monkeypatch.setattr(registry, "model_plug_ins", lambda: [point])
    folder = checkpoint("esm")
    model = load_model(f"hf:{folder},pooling=cls,layer=-2,batch_tokens=64,device=cpu")
    assert model.info.id == f"hf:{folder},layer=-2,pooling=cls,device=cpu,batch_tokens=64"
    assert model.info.notes == ["cls over the tokens of layer -2"]
    assert load_model(model.info.id).info == model.info
    assert load_model(f"hf:{folder}").info.id == f"hf:{folder}"
    assert load_model(f"hf:{folder}").info.notes == ["mean over the tokens of the last layer"]
    with pytest.raises(UsageError, match="expected mean or cls or last or max"):
        load_model(f"hf:{folder},pooling=median")


def test_the_identity_follows_all_that_changes_vectors(copy: Path, checkpoint) -> None:
    first = hub_model(checkpoint("esm")).info.digest
    assert hub_model(str(copy)).info.digest == first
    assert hub_model(str(copy), batch_tokens=7).info.digest == first
    (copy / "README.md").write_text("of no consequence")
    assert hub_model(str(copy)).info.digest == first
    settings = [
        {"layer": 1}, {"pooling": "max"}, {"strands": "both"}, {"window": 20}, {"trust": "yes"},
        {"window": 20, "stride": 3}, {"tokens": "own"}, {"precision": "bf16"},
    ]  # fmt: skip
    different = {hub_model(str(copy), **each).info.digest for each in settings}
    weights = load_file(copy / "model.safetensors")
    changed = {name: tensor + 1e-3 for name, tensor in weights.items()}
    save_file(changed, copy / "model.safetensors", metadata={"format": "pt"})
    different.add(hub_model(str(copy)).info.digest)
    (copy / "vocab.txt").write_text((copy / "vocab.txt").read_text() + "\n-")
    different.add(hub_model(str(copy)).info.digest)
    assert len(different - {first}) == len(settings) + 2


def test_weights_of_the_older_format_are_read_as_plain_tensors(tmp_path: Path) -> None:
    safe = hub_model(str(tiny.gpt2(tmp_path / "safe")))
    folder = tiny.gpt2(tmp_path / "older", safe=False)
    older = hub_model(str(folder))
    assert not list(folder.glob("*.safetensors"))
    assert np.array_equal(older.embed(["ACGT"]), safe.embed(["ACGT"]))
    assert older.info.digest != safe.info.digest

    class Runs:
        def __reduce__(self):
            return (print, ("code of a stranger ran",))

    torch.save({"transformer.wte.weight": Runs()}, folder / "pytorch_model.bin")
    assert "the checkpoint cannot be used" in complaint(folder, ModelError)


def test_code_of_a_checkpoint_runs_only_if_trusted(tmp_path: Path) -> None:
    folder = tiny.own_code(tmp_path / "own")
    before = set(sys.modules)
    said = complaint(folder)
    assert "runs code of its own (modeling_two_way.py, tokenization_letters.py)" in said
    assert said.endswith("add trust=yes to let it run")
    assert not any("two_way" in name for name in set(sys.modules) - before)
    model = hub_model(str(folder), trust="yes")
    assert model.info.notes[-1] == "runs code that came with the checkpoint"
    assert model.embed(["ACGT"]).shape == (1, 16)
    before = model.info.digest
    (folder / "modeling_two_way.py").write_text(tiny.MODELING + "\n# changed\n")
    assert hub_model(str(folder), trust="yes").info.digest != before


def test_code_of_a_tokenizer_is_code_too(tmp_path: Path, copy: Path) -> None:
    own = tiny.own_code(tmp_path / "own")
    for name in ("tokenizer_config.json", "tokenization_letters.py"):
        shutil.copy(own / name, copy / name)
    assert "runs code of its own (tokenization_letters.py)" in complaint(copy)


@pytest.mark.parametrize("kind", ["trunk", "lm"])
def test_weights_that_are_lacking_are_not_drawn_at_random(copy: Path, kind: str) -> None:
    weights = load_file(copy / "model.safetensors")
    part = "layer.1.output" if kind == "trunk" else "lm_head.dense"
    kept = {name: tensor for name, tensor in weights.items() if part not in name}
    assert len(kept) < len(weights)
    save_file(kept, copy / "model.safetensors", metadata={"format": "pt"})
    made = HubCheckpoint(str(copy))
    with pytest.raises(ModelError, match=rf"the checkpoint lacks \d tensors, first '.*{part}"):
        made.module(kind)
    if kind == "lm":
        made.module("trunk")


def test_poolers_and_contact_heads_may_be_lacking(copy: Path, checkpoint) -> None:
    weights = load_file(copy / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if "contact" not in name}
    assert len(kept) < len(weights)
    assert not any("pooler" in name for name in weights)
    save_file(kept, copy / "model.safetensors", metadata={"format": "pt"})
    found = hub_model(str(copy)).embed(["ACGT"])
    assert np.array_equal(found, hub_model(checkpoint("esm")).embed(["ACGT"]))


def test_a_pointer_of_git_lfs_is_named_as_such(copy: Path) -> None:
    (copy / "model.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 12345\n"
    )
    said = complaint(copy, ModelError)
    assert f"{copy / 'model.safetensors'} is a pointer of Git LFS, not weights" in said


def test_folders_that_hold_no_checkpoint_are_one_line(copy: Path) -> None:
    assert "no such folder, and no name of a checkpoint" in complaint("./nope")
    assert "holds no config.json" in complaint(copy.parent)
    (copy / "model.safetensors").write_bytes(b"not tensors")
    assert "the checkpoint cannot be used" in complaint(copy, ModelError)
    (copy / "model.safetensors").unlink()
    assert "holds no weights; expected model.safetensors or" in complaint(copy)


def test_a_broken_configuration_is_one_line(copy: Path) -> None:
    (copy / "config.json").write_text("[1")
    assert "is no JSON object" in complaint(copy, ModelError)


def test_an_unknown_network_is_one_line(copy: Path) -> None:
    (copy / "config.json").write_text(json.dumps({"model_type": "of-tomorrow"}))
    assert "the checkpoint cannot be used" in complaint(copy, ModelError)


def test_a_name_of_the_hub_that_is_not_here_is_one_line(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    said = complaint("nobody/nothing@v1", ModelError)
    assert said.startswith("hf:nobody/nothing@v1: the checkpoint is not here and cannot be had (")


def test_a_checkpoint_of_the_hub_is_known_by_its_commit(copy: Path, monkeypatch) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    folder = copy.parent / "snapshots" / commit
    shutil.copytree(copy, folder)
    asked = []

    def download(repository: str, **settings: object) -> str:
        asked.append((repository, settings))
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    info = hub_model("org/name@main").info
    assert info.version == f"1@{commit}"
    assert info.notes == ["mean over the tokens of the last layer", f"revision {commit}"]
    assert info.digest == hub_model(str(copy)).info.digest
    ((repository, how),) = asked
    assert (repository, how["revision"]) == ("org/name", "main")
    assert "*.py" not in how["allow_patterns"]
    assert not any("bin" in pattern for pattern in how["allow_patterns"])
    # Only where there are no safetensors is the older format brought, too.
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    hub_model("name", trust="yes").info  # noqa: B018
    assert [("pytorch_model*.bin" in each["allow_patterns"]) for _, each in asked[1:]] == [0, 1]
    assert "*.py" in asked[1][1]["allow_patterns"]


@pytest.mark.parametrize(("absent", "extra"), [("torch", "torch"), ("transformers", "hub")])
def test_a_missing_library_is_named_by_its_extra(checkpoint, monkeypatch, absent, extra) -> None:
    saved = checkpoint("esm")
    monkeypatch.setitem(sys.modules, absent, None)
    said = complaint(saved)
    assert said.endswith(f" needs {absent}: pip install 'genomark[{extra}]'")


def test_torch_is_imported_when_it_is_used(checkpoint) -> None:
    code = (
        "import sys\n"
        "from genomark.models.hub.model import hub_model\n"
        f"model = hub_model({checkpoint('esm')!r}, device='cpu')\n"
        "model.info, model.likelihood\n"
        "assert not {'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_networks_for_fine_tuning_are_fresh_and_learn(checkpoint) -> None:
    made = HubCheckpoint(checkpoint("esm"))
    (tokens,) = made.tokens(["ACGTACGT"])
    ids = torch.from_numpy(tokens.ids)[None]
    mask = torch.ones_like(ids)
    trunk, again, lm = made.module("trunk"), made.module(), made.module("lm")
    assert trunk is not again
    vectors = made.hidden(trunk, ids, mask)
    assert vectors.shape == (1, 10, made.width)
    vectors.sum().backward()
    assert trunk.get_input_embeddings().weight.grad is not None
    # The network with a head holds the same one without.
    torch.testing.assert_close(made.hidden(lm, ids, mask), made.hidden(again, ids, mask))
    assert made.logits(lm, ids, mask).shape == (1, 10, 10)
    assert not made.is_causal
    assert HubCheckpoint(checkpoint("neox")).is_causal


# transformers warns of an attribute of its own that peft reads.
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_network_wrapped_by_peft_gives_vectors(checkpoint) -> None:
    peft = pytest.importorskip("peft")
    made = HubCheckpoint(checkpoint("esm"))
    (tokens,) = made.tokens(["ACGTACGT"])
    ids = torch.from_numpy(tokens.ids)[None]
    plain = made.hidden(made.module(), ids, torch.ones_like(ids))
    wrapped = peft.get_peft_model(made.module(), peft.LoraConfig(target_modules=["query"]))
    assert made.takes_mask(wrapped.base_model)
    torch.testing.assert_close(made.hidden(wrapped.eval(), ids, torch.ones_like(ids)), plain)


def test_code_without_a_network_without_a_head_cannot_embed(tmp_path: Path) -> None:
    folder = tiny.own_code(tmp_path / "own", trunk=False)
    code = folder / "modeling_two_way.py"
    code.write_text(
        tiny.MODELING.replace('base_model_prefix = "two_way"', 'base_model_prefix = ""')
    )
    assert "no network without a head" in complaint(folder, CapabilityError, trust="yes")


def test_a_device_that_fails_is_one_line(checkpoint, monkeypatch) -> None:
    def full(*args: object) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.\nTried to allocate")

    monkeypatch.setattr(torch.nn.Module, "to", full)
    said = complaint(checkpoint("esm"), ModelError)
    assert said.endswith("the checkpoint cannot be used: CUDA out of memory.")
