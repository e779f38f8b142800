"""PyTorch, which not everybody has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from genomark.extras import import_extra


def import_torch() -> ModuleType:
    """Import PyTorch.

    Raises
    ------
    UsageError
        If it is not installed.
    """
    torch = import_extra("training", "torch", "torch")
    # Checkpoints are written with it.
    import_extra("training", "safetensors.torch", "torch")
    return torch


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Compute such that the same seed gives the same bytes, and leave no trace.

    Sums depend on how many threads add them up, so that there is one, whatever the caller has.
    The state of PyTorch's own generators is put back at the end.
    """
    torch = import_torch()
    threads = torch.get_num_threads()
    exact = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.random.fork_rng():
        try:
            torch.set_num_threads(1)
            # Not all CUDA kernels have a deterministic form; those of a CPU do.
            torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
            torch.manual_seed(seed)
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(exact, warn_only=warns)
