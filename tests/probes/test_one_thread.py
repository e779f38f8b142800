"""The limit of one BLAS thread is one of the process."""

from __future__ import annotations

import threading

from threadpoolctl import threadpool_info, threadpool_limits

from genomark.probes import one_thread


def blas_threads() -> set[int]:
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


def test_the_limit_holds_until_the_last_has_left():
    seen = []

    def second() -> None:
        with one_thread():
            seen.append(blas_threads())

    with threadpool_limits(limits=2):
        with one_thread():
            other = threading.Thread(target=second)
            other.start()
            other.join(10)
            assert seen == [{1}]
            assert blas_threads() == {1}
        assert blas_threads() == {2}
