from __future__ import annotations

from genomark.rna import warm
from genomark.rna.design.repair import repaired
from genomark.rna.design.run import warm_up


def test_every_kernel_that_a_command_waits_for_is_compiled() -> None:
    warm_up.cache_clear()
    warm.warm()
    assert warm_up.cache_info().currsize == 1
    assert repaired.signatures
