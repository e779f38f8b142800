"""Batches: like lengths together, within a budget, and smaller when memory runs out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genomark.errors import ModelError
from genomark.models.hub.batches import Batches


def run(batches: Batches, lengths: list[int], compute=None) -> list[tuple[list[int], np.ndarray]]:
    def row(i: int) -> np.ndarray:
        return np.full(lengths[i], i + 1, dtype=np.int64)

    return list(batches.run(lengths, row, compute or (lambda ids, mask: ids)))


@given(st.lists(st.integers(1, 60), max_size=60), st.integers(1, 300), st.booleans())
def test_every_row_is_in_one_batch_within_the_budget(lengths, budget, padded) -> None:
    batches = Batches("hf:x", budget, 0, padded=padded)
    found = run(batches, lengths)
    assert sorted(i for rows, _ in found for i in rows) == list(range(len(lengths)))
    for rows, ids in found:
        assert ids.size <= budget or len(rows) == 1
        assert ids.shape == (len(rows), max(lengths[i] for i in rows))
        for i, tokens in zip(rows, ids, strict=True):
            assert tokens.tolist() == [i + 1] * lengths[i] + [0] * (tokens.size - lengths[i])
    longest = [ids.shape[1] for _, ids in found]
    assert longest == sorted(longest, reverse=True)
    assert batches.count.tokens == sum(ids.size for _, ids in found)
    assert batches.count.padding == batches.count.tokens - sum(lengths)
    assert batches.count.padding_share < (0.1 if padded else 1e-12)


def test_rows_of_one_length_keep_their_order() -> None:
    found = run(Batches("hf:x", 4, 0), [2, 2, 1, 2, 2])
    assert [rows for rows, _ in found] == [[0, 1], [3, 4], [2]]


def test_the_mask_tells_padding_from_tokens() -> None:
    masks = []
    run(Batches("hf:x", 99, 0), [20, 19], lambda ids, mask: masks.append(mask))
    assert masks[0].tolist() == [[1] * 20, [1] * 19 + [0]]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to ..."),
    ],
)
def test_what_does_not_fit_is_parted_and_the_smaller_budget_kept(error: Exception) -> None:
    tried = []

    def compute(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        tried.append(ids.size)
        if ids.size > 30:
            raise error
        return ids

    batches = Batches("hf:x", 100, 0)
    found = run(batches, [10] * 30, compute)
    assert sorted(i for rows, _ in found for i in rows) == list(range(30))
    assert tried[:3] == [100, 50, 20]
    assert set(tried[2:]) == {10, 20}
    assert batches.budget == 25
    assert run(batches, [10] * 4, compute)[0][1].size == 20


def test_one_row_that_does_not_fit_is_one_line() -> None:
    def compute(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        raise MemoryError

    with pytest.raises(ModelError, match=r"hf:x: 1,000 tokens do not fit in memory; set window="):
        run(Batches("hf:x", 4000, 0), [1000] * 9, compute)


def test_other_errors_are_not_taken_for_want_of_memory() -> None:
    def compute(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        run(Batches("hf:x", 10, 0), [1], compute)


def test_batches_side_by_side_give_what_one_after_the_other_gives() -> None:
    pytest.importorskip("torch")
    lengths = [int(each) for each in np.random.default_rng(0).integers(1, 40, 200)]
    rows = [np.arange(length) + length for length in lengths]

    def run_with(threads: int, fail_first: bool = False) -> dict[int, int]:
        batches = Batches("hf:x", 90, 0, threads=threads)
        failed = [not fail_first]

        def compute(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
            if not failed[0]:
                failed[0] = True
                raise MemoryError
            return (ids * mask).sum(axis=1)

        found = {}
        for batch, computed in batches.run(lengths, rows.__getitem__, compute):
            found.update(zip(batch, computed.tolist(), strict=True))
        assert sum(lengths) == batches.count.tokens - batches.count.padding
        return found

    expected = {place: int(row.sum()) for place, row in enumerate(rows)}
    assert run_with(1) == run_with(4) == run_with(4, fail_first=True) == expected


def test_what_is_left_in_the_middle_leaves_torchs_threads_as_they_were() -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    running = Batches("hf:x", 4, 0, threads=3).run(
        [2] * 50, lambda each: np.full(2, each), lambda ids, mask: ids.sum()
    )
    next(running)
    running.close()
    assert torch.get_num_threads() == before
