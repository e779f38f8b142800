"""The answers that a server keeps: which are found again, and that they never take too much."""

import random
import tracemalloc

import numpy as np
import pytest

from genomark.protocol import Unanswered
from genomark.serving.answer_cache import AnswerCache, digest_of_texts, key_of


def point(value):
    return (value, None)


def keep(cache, topic, **values):
    cache.keep({key_of(topic, name, None): point(value) for name, value in values.items()})


def found(cache, topic, *names):
    answers = cache.found([key_of(topic, name, None) for name in names])
    return {
        name: answers[key][0] for name in names if (key := key_of(topic, name, None)) in answers
    }


def test_what_was_kept_is_found_and_both_are_counted():
    cache = AnswerCache(10_000)
    keep(cache, "topic", A=1.0, C=2.0)
    assert found(cache, "topic", "A", "G", "C") == {"A": 1.0, "C": 2.0}
    assert (cache.hits, cache.misses) == (2, 1)
    assert found(cache, "another", "A") == {}
    assert (cache.hits, cache.misses) == (2, 2)


def test_the_oldest_go_first_and_being_asked_for_makes_young():
    cache = AnswerCache(1_000)
    keep(cache, "t", A=1.0, C=2.0)
    found(cache, "t", "A")
    keep(cache, "t", G=3.0)
    assert found(cache, "t", "A", "C", "G") == {"A": 1.0, "G": 3.0}
    assert len(cache) == 2


def test_it_never_holds_more_than_its_bound_whatever_is_kept():
    chance = random.Random(1)
    cache = AnswerCache(20_000)
    for number in range(500):
        value = np.zeros(chance.randrange(3_000)) if chance.random() < 0.5 else 1.0
        name = "ACGT" * chance.randrange(200) + str(number % 50)
        cache.keep({key_of("t", name, None): point(value)})
        assert 0 <= cache.bytes <= 20_000
    assert len(cache) > 1


def test_its_count_of_bytes_is_about_what_python_takes():
    letters = random.Random(2)
    names = ["".join(letters.choices("ACGT", k=230)) for _ in range(20_000)]
    cache = AnswerCache(50_000_000)
    tracemalloc.start()
    try:
        cache.keep({key_of("t", each, None): (0.1 * i, None) for i, each in enumerate(names)})
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(cache) == len(names)
    assert taken / 1.5 < cache.bytes < taken * 1.5


def test_what_is_larger_than_all_of_it_is_not_kept_and_drives_nothing_out():
    cache = AnswerCache(1_000)
    keep(cache, "t", A=1.0)
    keep(cache, "t", C=np.zeros(1_000))
    assert found(cache, "t", "A", "C") == {"A": 1.0}


def test_kept_anew_an_answer_is_counted_once():
    cache = AnswerCache(10_000)
    keep(cache, "t", A=1.0)
    size = cache.bytes
    keep(cache, "t", A=2.0)
    assert (cache.bytes, len(cache)) == (size, 1)
    assert found(cache, "t", "A") == {"A": 2.0}


@pytest.mark.parametrize("value", [None, Unanswered("why"), [1.0], 1, "error", np.array(["x"])])
def test_what_is_no_number_is_not_kept(value):
    cache = AnswerCache(10_000)
    cache.keep({key_of("t", "A", None): (1.0, value, None, None)})
    assert (len(cache), cache.bytes) == (0, 0)


def test_an_array_is_its_own_and_no_part_of_a_larger_one():
    cache = AnswerCache(10_000)
    large = np.arange(1_000.0)
    keep(cache, "t", A=large[:3])
    large[:] = 7.0
    kept = found(cache, "t", "A")["A"]
    np.testing.assert_array_equal(kept, [0.0, 1.0, 2.0])
    assert kept.base is None
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 1.0


def test_a_cache_of_no_bytes_keeps_nothing():
    cache = AnswerCache(0)
    keep(cache, "t", A=1.0)
    assert found(cache, "t", "A") == {}


def test_keys_tell_topics_sequences_and_ranges_apart():
    long = "ACGT" * 100
    asked = [
        *(("1", letters, None) for letters in ("", "A", "a", "AA", long, long[:-1] + "A")),
        *(("1", letters, [0, 3]) for letters in ("AAAA", long)),
        *(("1", letters, [0, 2]) for letters in ("AAAA", long)),
        ("1", "AAAA", [1, 3]),
        ("11", "A", None),
        ("", "11|A", None),
        # Sequences that are none are asked about as well.
        ("1", " 0-3|AAAA", None),
        ("1", "é" * 300, None),
        ("1", f"#{digest_of_texts(long)}", None),
        ("1", digest_of_texts(long), None),
    ]
    keys = [key_of(*each) for each in asked]
    assert len(set(keys)) == len(keys)
    assert keys == [key_of(*each) for each in asked]
    assert key_of("1", "AC", []) == key_of("1", "AC", None)
    # A long sequence is not kept in its key.
    assert all(len(key) <= 300 for key in keys)


def test_a_digest_knows_where_one_text_ends_and_the_next_begins():
    assert digest_of_texts("ab", "c") != digest_of_texts("a", "bc") != digest_of_texts("abc")
