"""Who waits, who is computed together, and who is sent away."""

import asyncio
import threading
import time

import pytest
from starlette.requests import ClientDisconnect

from genomark.models import as_model
from genomark.models.declaration import Declaration
from genomark.protocol import PredictionTask, PredictRequest, ServerError
from genomark.scoring import ModelIdentity
from genomark.serving import Limits
from genomark.serving.backend import Backend, BackendSettings
from genomark.serving.served_model import ServedModel

TASK = PredictionTask("t", "accessibility", "K562", "homo_sapiens")
MODEL = as_model(lambda sequences: [float(len(each)) for each in sequences])


class Held:
    """Computes when it is let; remembers what it was asked."""

    is_here = True
    alive = 1
    restarts = 0

    def __init__(self, places=1, seconds=0.0):
        self.places = places
        self.asked = []
        self.begun = threading.Semaphore(0)
        self.free = threading.Semaphore(0)
        self.seconds = seconds

    def predict(self, request):
        self.asked.append(list(request.sequences.values()))
        self.begun.release()
        if self.seconds:
            time.sleep(self.seconds)
        else:
            assert self.free.acquire(timeout=20)
        return MODEL.predict(request)

    def close(self):
        pass


def backend_of(computing, limits=None, **settings):
    served = ServedModel(ModelIdentity("m", "1", "d"), Declaration("m"), batch_invariant=True)
    return Backend(
        computing, served, limits or Limits(), BackendSettings(**{"cache_bytes": 0, **settings})
    )


def asked(*sequences, **more):
    numbered = {str(number): each for number, each in enumerate(sequences)}
    return PredictRequest("point", [TASK], numbered, **more)


async def begun(computing):
    assert await asyncio.to_thread(computing.begun.acquire, timeout=10)


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


def points(answer):
    return list(answer.prediction_tasks[0].predictions.values())


def test_who_came_while_the_model_was_busy_is_the_next_batch():
    computing = Held()

    async def scenario():
        backend = backend_of(computing)
        batches = []
        backend.batch = batches.append
        first = asyncio.create_task(backend.predict(asked("A")))
        await begun(computing)
        others = [asyncio.create_task(backend.predict(asked("A" * n))) for n in (2, 3, 4)]
        await until(lambda: backend.waiting == 3)
        assert backend.computing == 1
        computing.free.release(2)
        answers = await asyncio.gather(first, *others)
        assert [points(each) for each in answers] == [[1.0], [2.0], [3.0], [4.0]]
        assert (backend.waiting, backend.computing) == (0, 0)
        return batches

    assert asyncio.run(scenario()) == [1, 3]
    assert computing.asked == [["A"], ["AA", "AAA", "AAAA"]]


def test_one_who_is_alone_never_waits_for_company():
    computing = Held()
    computing.free.release(100)

    async def scenario():
        backend = backend_of(computing, max_delay=60.0)
        begun = time.monotonic()
        for _ in range(20):
            await backend.predict(asked("ACGT"))
        return time.monotonic() - begun

    # One delay would be sixty times as long.
    assert asyncio.run(scenario()) < 1.0 + 60.0 / 2


def test_clients_that_were_answered_together_are_waited_for():
    """One asks again at once and one a little later: they are a batch again."""
    computing = Held(seconds=0.4)

    async def scenario():
        backend = backend_of(computing, max_delay=10.0)
        first = asyncio.create_task(backend.predict(asked("A")))
        await begun(computing)
        both = [asyncio.create_task(backend.predict(asked("A" * n))) for n in (2, 3)]
        await asyncio.gather(first, *both)
        early = asyncio.create_task(backend.predict(asked("AAAA")))
        await asyncio.sleep(0.01)
        assert (backend.waiting, backend.computing) == (1, 0)
        await asyncio.gather(early, backend.predict(asked("AAAAA")))
        # A client that does not come back is waited for half as long as the batch took, and once.
        begin = time.monotonic()
        await backend.predict(asked("C"))
        assert time.monotonic() - begin > 0.4 + 0.15
        begin = time.monotonic()
        await backend.predict(asked("G"))
        return time.monotonic() - begin

    assert asyncio.run(scenario()) < 0.4 + 0.15
    assert computing.asked[1:] == [["AA", "AAA"], ["AAAA", "AAAAA"], ["C"], ["G"]]


def test_a_batch_holds_no_more_letters_than_it_may():
    computing = Held()

    async def scenario():
        backend = backend_of(computing, max_letters=10)
        waiting = [asyncio.create_task(backend.predict(asked("A")))]
        await begun(computing)
        sizes = (4, 6, 1, 30, 3)
        waiting += [asyncio.create_task(backend.predict(asked("C" * n))) for n in sizes]
        await until(lambda: backend.waiting == len(sizes))
        computing.free.release(9)
        await asyncio.gather(*waiting)

    asyncio.run(scenario())
    assert [sorted(map(len, each)) for each in computing.asked] == [[1], [4, 6], [1, 3], [30]]


def test_what_is_asked_differently_is_computed_apart_and_in_order():
    computing = Held()

    async def scenario():
        backend = backend_of(computing)
        waiting = [asyncio.create_task(backend.predict(asked("A")))]
        await begun(computing)
        for sequence, flank in (("C", "A"), ("G", "T"), ("T", "A")):
            request = asked(sequence, upstream_seq=flank)
            waiting.append(asyncio.create_task(backend.predict(request)))
        await until(lambda: backend.waiting == 3)
        computing.free.release(9)
        await asyncio.gather(*waiting)

    asyncio.run(scenario())
    assert computing.asked == [["A"], ["C", "T"], ["G"]]


def test_those_who_wait_are_shared_out_among_free_places():
    computing = Held(places=2, seconds=0.3)

    async def scenario():
        backend = backend_of(computing, max_delay=10.0)
        first = [asyncio.create_task(backend.predict(asked("A"))) for _ in range(2)]
        for _ in first:
            await begun(computing)
        four = ["C" * n for n in range(1, 5)]
        await asyncio.gather(*first, *(backend.predict(asked(each)) for each in four))
        # Both places are free now, and the four are waited for.
        await asyncio.gather(*(backend.predict(asked(each)) for each in four))

    asyncio.run(scenario())
    assert computing.asked[:3] == [["A"], ["A"], ["C", "CC", "CCC", "CCCC"]]
    assert sorted(computing.asked[3:]) == [["C", "CC"], ["CCC", "CCCC"]]


def test_a_client_that_hangs_up_frees_its_place_in_the_queue():
    computing = Held()

    async def scenario():
        backend = backend_of(computing, Limits(queued=1))
        hung_up = asyncio.Event()
        first = asyncio.create_task(backend.predict(asked("A"), gone=hung_up.wait))
        await begun(computing)
        second = asyncio.create_task(backend.predict(asked("CC"), gone=hung_up.wait))
        await until(lambda: backend.waiting == 1)
        assert not backend.ready
        with pytest.raises(ServerError, match="1 requests are waiting already"):
            await backend.predict(asked("G"))
        hung_up.set()
        with pytest.raises(ClientDisconnect):
            await second
        assert (backend.waiting, backend.ready) == (0, True)
        third = asyncio.create_task(backend.predict(asked("TTT"), gone=asyncio.Event().wait))
        computing.free.release(9)
        # Who is computed already is computed to the end.
        assert points(await first) == [1.0]
        assert points(await third) == [3.0]

    asyncio.run(scenario())
    assert computing.asked == [["A"], ["TTT"]]


def test_those_who_wait_take_no_more_memory_than_they_may():
    computing = Held()

    async def scenario():
        backend = backend_of(computing, Limits(queued=100, body_bytes=10))
        first = asyncio.create_task(backend.predict(asked("A"), 1_000))
        await begun(computing)
        waiting = [asyncio.create_task(backend.predict(asked("C"), 10)) for _ in range(16)]
        await until(lambda: backend.waiting == 16)
        with pytest.raises(ServerError) as refused:
            await backend.predict(asked("G"), 1)
        assert (refused.value.http_status, refused.value.retry_after) == (503, 1.0)
        computing.free.release(99)
        await asyncio.gather(first, *waiting)

    asyncio.run(scenario())


def test_time_is_up_for_a_request_and_not_for_the_batch_it_is_in():
    computing = Held()

    async def scenario():
        backend = backend_of(computing, Limits(seconds=0.5))
        first = asyncio.create_task(backend.predict(asked("A")))
        await begun(computing)
        early = asyncio.create_task(backend.predict(asked("CC")))
        await asyncio.sleep(0.3)
        late = asyncio.create_task(backend.predict(asked("GGG")))
        await until(lambda: backend.waiting == 2)
        computing.free.release()
        await begun(computing)
        assert points(await first) == [1.0]
        with pytest.raises(ServerError, match=r"No answer within 0\.5 s"):
            await early
        assert backend.computing == 2
        computing.free.release()
        assert points(await late) == [3.0]
        await until(lambda: backend.computing == 0)

    asyncio.run(scenario())
    assert computing.asked == [["A"], ["CC", "GGG"]]


def test_a_server_without_a_process_that_computes_is_not_ready():
    computing = Held()
    backend = backend_of(computing)
    assert backend.ready
    computing.alive = 0
    assert not backend.ready
    backend.close()


def test_a_long_message_is_read_beside_the_loop_and_a_short_one_at_once():
    async def scenario():
        backend = backend_of(Held())
        where = threading.current_thread
        assert await backend.aside(1_000, where) is where()
        assert await backend.aside(10_000_000, where) is not where()

    asyncio.run(scenario())


# What takes less time than another thread would


class Threads:
    """Computes at once, and remembers in which thread."""

    alive = 1
    restarts = 0
    places = 1

    def __init__(self, is_here=True, seconds=0.0):
        self.is_here = is_here
        self.seconds = seconds
        self.names = []

    def predict(self, request):
        self.names.append(threading.current_thread().name)
        if self.seconds:
            time.sleep(self.seconds)
        if "N" in request.sequences["0"]:
            raise ValueError("no N please")
        return MODEL.predict(request)

    def close(self):
        pass


def quick_backend(computing, *, never_waits=True):
    served = ServedModel(ModelIdentity("m", "1", "d"), Declaration("m"), never_waits=never_waits)
    return Backend(computing, served, Limits(), BackendSettings())


def threads_of(computing, *sequences, never_waits=True):
    """Where each of some requests is computed, one after the other."""

    async def main():
        backend = quick_backend(computing, never_waits=never_waits)
        for sequence in sequences:
            response = await backend.predict(asked(sequence))
            (value,) = response.prediction_tasks[0].predictions.values()
            assert value == len(sequence)
        backend.close()

    asyncio.run(main())
    here = threading.current_thread().name
    return [name == here for name in computing.names]


def test_what_is_known_to_take_no_time_is_computed_in_the_loop():
    found = threads_of(Threads(), *["ACGT"] * 40)
    assert not any(found[:16])
    assert all(found[16:])


@pytest.mark.parametrize("computing", [Threads(seconds=0.002), Threads(is_here=False)])
def test_what_takes_time_or_is_computed_elsewhere_never_is(computing):
    assert not any(threads_of(computing, *["ACGT"] * 20))


def test_a_model_that_may_wait_or_has_a_loop_of_its_own_never_is():
    assert not any(threads_of(Threads(), *["ACGT"] * 40, never_waits=False))


def test_a_request_a_thousand_times_as_long_is_not_taken_for_a_short_one():
    computing = Threads(seconds=1e-5)
    found = threads_of(computing, *["ACGT"] * 30, "ACGT" * 1_000)
    assert found[29]
    assert not found[30]


def test_what_fails_in_the_loop_fails_as_elsewhere():
    async def main():
        backend = quick_backend(Threads())
        for _ in range(20):
            await backend.predict(asked("ACGT"))
        with pytest.raises(ValueError, match="no N please"):
            await backend.predict(asked("N"))
        assert await backend.predict(asked("ACGT"))
        backend.close()

    asyncio.run(main())
