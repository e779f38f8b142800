"""What a cache of so many bytes keeps."""

import threading

from genomark.leaderboard.sized_cache import SizedCache


def test_what_was_not_asked_for_the_longest_goes_first():
    cache = SizedCache(10, len)
    for key in "abc":
        cache.put(key, key * 3)
    assert cache.get("a") == "aaa"
    cache.put("d", "ddd")
    assert [cache.get(key) for key in "abcd"] == ["aaa", None, "ccc", "ddd"]


def test_what_is_larger_than_all_room_is_given_and_not_kept():
    cache = SizedCache(4, len)
    cache.put("a", "aaaa")
    assert cache.put("b", "bbbbb") == "bbbbb"
    assert (cache.get("a"), cache.get("b")) == ("aaaa", None)


def test_the_same_key_again_takes_no_more_room():
    cache = SizedCache(6, len)
    for _ in range(5):
        cache.put("a", "aaa")
    cache.put("b", "bbb")
    assert (cache.get("a"), cache.get("b")) == ("aaa", "bbb")


def test_a_value_is_made_once():
    cache, made = SizedCache(100, len), []

    def make():
        made.append(1)
        return "x"

    assert [cache.of("k", make) for _ in range(3)] == ["x"] * 3
    assert made == [1]


def test_threads_do_not_lose_count_of_the_bytes():
    cache = SizedCache(50, len)

    def work(own):
        for turn in range(500):
            cache.put((own, turn % 7), "x" * (turn % 9))
            cache.get((own, turn % 5))

    threads = [threading.Thread(target=work, args=(own,)) for own in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    kept = [value for value, _ in cache._kept.values()]
    assert sum(map(len, kept)) == cache._bytes <= 50
