"""A training that was stopped at any moment ends where one ends that never was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import training_process
from safetensors import safe_open
from safetensors.torch import load_file, save, save_file
from training_process import fit
from training_tasks import planted_task

from genomark.errors import WriteError
from genomark.training.checkpoint import Checkpoint, Foreign, read_checkpoint, write_checkpoint
from genomark.training.encoding import OneHot
from genomark.training.fitted import FittedNetwork

FILE = "training.safetensors"
#: Batches of an epoch: 8 to train on, 8 for the statistics of normalisation, 1 to judge by.
BATCHES = 17


class Stopped(Exception):
    """Stands for a kill."""


class Stopping(OneHot):
    """Stops in the middle of a step, after some batches."""

    def __init__(self, after: int) -> None:
        super().__init__(shift=2)
        self.left = after

    def batch(self, encoded: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise Stopped
        return super().batch(encoded)


def weights(fitted: FittedNetwork) -> bytes:
    return save(fitted.network.state_dict())


def without_seconds(fitted: FittedNetwork) -> str:
    return json.dumps({k: v for k, v in fitted.report.items() if k != "seconds"})


@pytest.fixture(scope="module")
def never_stopped() -> FittedNetwork:
    return fit(None, OneHot(shift=2))


@pytest.mark.parametrize("after", [0, 1, 7, 8, 9, 15, 16, 17, 18, 30, 4 * BATCHES - 1])
def test_stopped_once_it_ends_with_the_same_bytes(tmp_path, never_stopped, after):
    with pytest.raises(Stopped):
        fit(tmp_path, Stopping(after))
    resumed = fit(tmp_path, OneHot(shift=2))
    assert weights(resumed) == weights(never_stopped)
    assert without_seconds(resumed) == without_seconds(never_stopped)


def test_stopped_again_and_again_it_ends_with_the_same_bytes(tmp_path, never_stopped):
    stops = 0
    while True:
        try:
            # A step and the judgement that may follow it take 10.
            resumed = fit(tmp_path, Stopping(12))
            break
        except Stopped:
            stops += 1
    assert stops > 4
    assert weights(resumed) == weights(never_stopped)


def test_what_is_finished_is_not_done_again(tmp_path, never_stopped):
    fit(tmp_path, OneHot(shift=2))
    assert weights(fit(tmp_path, Stopping(0))) == weights(never_stopped)


@pytest.mark.slow
def test_killed_outright_it_ends_with_the_same_bytes(tmp_path, never_stopped):
    folder = Path(training_process.__file__).parent
    out = tmp_path / "weights.safetensors"
    command = [sys.executable, training_process.__file__, str(tmp_path / "work"), str(out)]
    environment = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    for lines in (4, 13):
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            assert process.stdout is not None
            for _ in range(lines):
                assert process.stdout.readline() == "batch\n"
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        assert (tmp_path / "work" / FILE).exists()
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    # The second began where the first was killed, and this one where the second was: all steps of
    # the first epoch are done.
    assert done.stdout.count("batch") <= 4 * BATCHES - 8
    assert save(load_file(out)) == weights(never_stopped)


def damaged(content: bytes) -> list[bytes]:
    flipped = bytearray(content)
    flipped[-5] ^= 1
    return [b"", content[:100], content[:-8], bytes(flipped), b"\xff" * 200]


def test_a_damaged_checkpoint_is_left_alone_and_told_of(tmp_path, never_stopped):
    with pytest.raises(Stopped):
        fit(tmp_path, Stopping(12))
    content = (tmp_path / FILE).read_bytes()
    for each in damaged(content):
        (tmp_path / FILE).write_bytes(each)
        lines: list[str] = []
        with pytest.raises(Stopped):
            fit(tmp_path, Stopping(0), tell=lines.append)
        assert len(lines) == 1
        assert lines[0].startswith("Training from the beginning: ")
        assert "damaged" in lines[0]
    assert weights(fit(tmp_path, OneHot(shift=2))) == weights(never_stopped)


def test_a_checkpoint_of_another_training_is_left_alone_and_told_of(tmp_path, monkeypatch):
    fit(tmp_path, OneHot(shift=2))
    lines: list[str] = []
    monkeypatch.setattr(training_process, "planted_task", lambda n: planted_task(n + 2))
    with pytest.raises(Stopped):
        fit(tmp_path, Stopping(0), tell=lines.append)
    assert "of another training: other data, settings, seed or version" in lines[0]


def test_no_mixture_of_two_checkpoints_passes_for_one(tmp_path):
    for value in (1.0, 2.0):
        tensors = {"now/w": torch.full((3,), value)}
        write_checkpoint(tmp_path / str(value), "t", Checkpoint(tensors, {"step": value}))
    first, second = (tmp_path / str(value) / FILE for value in (1.0, 2.0))
    with safe_open(second, framework="pt") as file:
        metadata = file.metadata()
    save_file(load_file(first), second, metadata)
    with pytest.raises(Foreign, match="its digest is not that of its content"):
        read_checkpoint(tmp_path / "2.0", "t")


def test_a_checkpoint_gives_back_what_was_put_in(tmp_path):
    tensors = {
        "now/half": torch.arange(4).to(torch.bfloat16),
        "now/count": torch.tensor(3),
        "now/empty": torch.zeros(0, 2),
    }
    write_checkpoint(tmp_path, "t", Checkpoint(tensors, {"loss": 0.1 + 0.2, "best": None}))
    found = read_checkpoint(tmp_path, "t")
    assert found is not None
    assert found.progress == {"loss": 0.1 + 0.2, "best": None}
    for name, tensor in tensors.items():
        assert found.tensors[name].dtype == tensor.dtype
        assert torch.equal(found.tensors[name], tensor)


def test_without_a_checkpoint_there_is_none(tmp_path):
    assert read_checkpoint(tmp_path / "nowhere", "t") is None


def test_a_workspace_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="Cannot write"):
        fit(tmp_path / "file" / "work", OneHot(shift=2))
