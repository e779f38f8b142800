"""Sequences to tokens, against the tokenizers of the checkpoints called one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny_checkpoints as tiny
from transformers import AutoTokenizer

from genomark.errors import ModelError, UsageError
from genomark.models.hub.checkpoint import HubCheckpoint
from genomark.models.hub.tokens import SequenceTokenizer
from genomark.models.hub.vocabulary import Vocabulary


def blanks(sequence: str, k: int) -> str:
    return " ".join(sequence[i : i + k] for i in range(len(sequence) - k + 1))


#: How each has to be written by hand for its own tokenizer.
WRITTEN = {
    "bert-kmers": lambda sequence: blanks(sequence, 3),
    "bert-letters": lambda sequence: " ".join(sequence.lower().replace("t", "u")),
    "bert-pieces": str,
    "esm": str,
    "esm-6mers": str,
    "gpt2": str,
    "neox": str,
    "t5": str,
}


@pytest.mark.parametrize("name", WRITTEN)
def test_ids_are_those_of_the_checkpoints_own_tokenizer(name, checkpoint, random_sequences) -> None:
    own = AutoTokenizer.from_pretrained(checkpoint(name))
    made = HubCheckpoint(checkpoint(name))
    sequences = [*random_sequences(40, 8, 60), "ACGTACGTNNACGTGACCA", "ACGTACGT"]
    found = made.tokens(sequences)
    for sequence, tokens in zip(sequences, found, strict=True):
        assert tokens.ids.dtype == np.int64
        assert tokens.spans.dtype == np.int32
        assert tokens.ids.tolist() == own(WRITTEN[name](sequence))["input_ids"]
        special = np.isin(tokens.ids, [i for part in made.tokenizer.special for i in part])
        assert np.array_equal(tokens.spans[:, 0] == -1, special)
    # U is T, and letters may be small.
    rna = made.tokens([each.replace("T", "u").lower() for each in sequences])
    assert all(np.array_equal(a.ids, b.ids) for a, b in zip(found, rna, strict=True))


@pytest.mark.parametrize("name", [each for each in WRITTEN if each != "bert-kmers"])
def test_tokens_that_do_not_overlap_part_the_sequence(name, checkpoint) -> None:
    sequence = "ACGTACGTNNACGTGACCAGAA"
    (tokens,) = HubCheckpoint(checkpoint(name)).tokens([sequence])
    spans = tokens.spans[tokens.spans[:, 0] >= 0]
    assert "".join(sequence[a:b] for a, b in spans) == sequence
    assert np.array_equal(spans[1:, 0], spans[:-1, 1])


def test_words_of_k_letters_hold_k_bases(checkpoint) -> None:
    kmers = HubCheckpoint(checkpoint("bert-kmers"))
    (overlapping,) = kmers.tokens(["ACGTA"])
    assert overlapping.spans.tolist() == [[-1, -1], [0, 3], [1, 4], [2, 5], [-1, -1]]
    (short,) = kmers.tokens(["AC"])
    assert short.ids.tolist() == [2, 1, 3]
    assert short.spans.tolist() == [[-1, -1], [0, 2], [-1, -1]]
    (beside,) = HubCheckpoint(checkpoint("esm-6mers")).tokens(["ACGTACGTNACGTAC"])
    assert beside.spans.tolist() == [[-1, -1], [0, 6], [6, 7], [7, 8], [8, 9], [9, 15]]


@pytest.mark.parametrize(
    ("words", "manner", "thymine", "upper"),
    [
        (["A", "C", "G", "T", "N"], "single", "T", True),
        (["A", "C", "G", "U", "X"], "single", "U", True),
        (["a", "c", "g", "t"], "single", "T", False),
        (["A", "C", "G", "T", "U", "a", "c"], "single", "TU", True),
        (tiny.kmers(4), "kmer-overlap", "T", True),
        (tiny.kmers(3, "ACGUN"), "kmer-overlap", "U", True),
        ([*tiny.kmers(6), *"ACGTN"], "kmer", "T", True),
        # Bytes have both letters; only one of them is in longer words.
        ([*"ACGTUN", "AT", "GG", "TATA"], "own", "T", True),
        (["a", "cat", "act", "the", "##t"], "own", "T", False),
        ([], "own", "TU", True),
    ],
)
def test_the_manner_is_told_from_the_words(words, manner, thymine, upper) -> None:
    vocabulary = Vocabulary("hf:x", {word: i for i, word in enumerate(words)})
    assert vocabulary.manner("auto") == manner
    assert vocabulary.thymine == thymine
    assert vocabulary.upper == upper


def test_a_manner_may_be_asked_for(checkpoint) -> None:
    letters = HubCheckpoint(checkpoint("esm-6mers"), tokens="single").tokens(["ACGTACG"])[0]
    assert letters.ids.size == 8
    overlapping = HubCheckpoint(checkpoint("esm-6mers"), tokens="kmer-overlap")
    assert overlapping.tokens(["ACGTACG"])[0].spans.tolist() == [[-1, -1], [0, 6], [1, 7]]
    own = HubCheckpoint(checkpoint("esm-6mers"), tokens="own").tokens(["ACGTACGTTNA"])[0]
    assert own.spans.tolist()[1:] == [[0, 6], [6, 7], [7, 8], [8, 9], [9, 10], [10, 11]]
    with pytest.raises(UsageError, match=r"tokens=kmer: its vocabulary has not all words of k"):
        HubCheckpoint(checkpoint("esm"), tokens="kmer").tokens(["A"])
    with pytest.raises(UsageError, match=r"tokens=single: its vocabulary has not single letters"):
        HubCheckpoint(checkpoint("bert-kmers"), tokens="single").tokens(["A"])


@pytest.mark.parametrize("name", WRITTEN)
def test_a_twentieth_of_the_letters_may_be_unknown(name, checkpoint) -> None:
    made = HubCheckpoint(checkpoint(name))
    made.tokens(["ACGT" * 24 + "XXXX"])
    made.tokens(["N" * 50 + "ACGT"])
    with pytest.raises(ModelError, match=r"does not know [67]% of the letters") as caught:
        made.tokens(["ACGT" * 23 + "X" * 6, "ACGT"])
    assert "\n" not in str(caught.value)


def test_an_empty_sequence_is_told_by_its_place(checkpoint) -> None:
    with pytest.raises(ModelError, match="sequence 2 is empty"):
        HubCheckpoint(checkpoint("esm")).tokens(["A", ""])
    assert HubCheckpoint(checkpoint("esm")).tokens([]) == []


def test_what_a_checkpoint_sees_at_most(checkpoint, tmp_path: Path) -> None:
    # Positions of ESM begin after that of the padding (1): 66 - 2.
    assert HubCheckpoint(checkpoint("esm-6mers")).max_tokens == 64
    assert HubCheckpoint(checkpoint("bert-pieces")).max_tokens == 64
    assert HubCheckpoint(checkpoint("t5")).max_tokens is None
    assert HubCheckpoint(str(tiny.own_code(tmp_path / "own")), trust=True).max_tokens == 256


def test_sequences_asked_for_twice_are_cut_once(checkpoint) -> None:
    first, _, again = HubCheckpoint(checkpoint("esm")).tokens(["ACG", "AC", "ACG"])
    assert again is first


class Stub:
    """A tokenizer written in Python that knows letters, and says what it is told to."""

    is_fast = False
    all_special_tokens = ()
    mask_token_id = pad_token_id = eos_token_id = unk_token_id = None
    model_max_length = 10**30

    def __init__(self, words: list[str], says: list[str]) -> None:
        self.words = {word: i for i, word in enumerate(words)}
        self.says = says

    def get_vocab(self) -> dict[str, int]:
        return self.words

    def __call__(self, text: str, add_special_tokens: bool = True) -> dict[str, list[int]]:
        words = [text] if text in self.words else text
        return {"input_ids": [self.words[word] for word in words if word in self.words]}

    def tokenize(self, text: str) -> list[str]:
        return self.says

    def convert_tokens_to_ids(self, words: list[str]) -> list[int]:
        return [self.words.get(word, 0) for word in words]


def test_without_a_token_for_unknown_letters_there_must_be_none() -> None:
    made = SequenceTokenizer("hf:x", Stub(list("ACGT"), []))
    assert made.encode(["ACGT"])[0].ids.tolist() == [0, 1, 2, 3]
    with pytest.raises(ModelError, match="has no token for unknown ones"):
        made.encode(["ACGT" * 20 + "N"])


def test_words_of_text_lose_their_marks_and_must_add_up() -> None:
    words = ["A", "C", "AC", "##GT", "\u2581"]
    made = SequenceTokenizer("hf:x", Stub(words, ["\u2581", "AC", "##GT"]), "own")
    (tokens,) = made.encode(["ACGT"])
    assert tokens.spans.tolist() == [[-1, -1], [0, 2], [2, 4]]
    with pytest.raises(ModelError, match="does not say which bases a token stands for"):
        made.encode(["ACGTA"])


def test_a_tokenizer_that_makes_no_token_is_one_line() -> None:
    made = SequenceTokenizer("hf:x", Stub(["A", "\u2581"], []), "own")
    made._tokenizer.is_fast = True
    made._tokenizer.backend_tokenizer = Silent()
    with pytest.raises(ModelError, match="makes no token of 'ACGT'"):
        made.encode(["ACGT"])
    with pytest.raises(ModelError, match="makes no token of 'A'"):
        SequenceTokenizer("hf:x", Stub([], []), "own").special  # noqa: B018


class Silent:
    """A tokenizer of the library that makes nothing of anything."""

    ids: tuple[int, ...] = ()
    offsets: tuple[tuple[int, int], ...] = ()

    def no_truncation(self) -> None: ...

    def no_padding(self) -> None: ...

    def encode(self, text: str, add_special_tokens: bool) -> Silent:
        return self

    def encode_batch_fast(self, texts: list[str], add_special_tokens: bool) -> list[Silent]:
        return [self] * len(texts)


def test_a_vocabulary_of_too_many_words_is_one_line() -> None:
    words = [*tiny.kmers(7), "RYSWKMB", "DHVEFIJ"]
    made = SequenceTokenizer("hf:x", Stub(words, []), "kmer-overlap")
    with pytest.raises(ModelError, match=r"words of 7 over \d+ letters are too many"):
        made.encode(["ACGTACGT"])


def test_unknown_letters_in_one_token_are_counted_one_by_one(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = {"[UNK]": 0, "A": 1, "C": 2, "G": 3, "T": 4, "AC": 5}
    library = Tokenizer(models.BPE(words, [("A", "C")], unk_token="[UNK]", fuse_unk=True))
    loaded = PreTrainedTokenizerFast(tokenizer_object=library, unk_token="[UNK]")
    made = SequenceTokenizer("hf:x", loaded)
    tokens = made.encode(["ACNNNGT", "ACGT"])
    assert tokens[0].ids.tolist() == [5, 0, 3, 4]
    assert tokens[0].spans.tolist() == [[0, 2], [2, 5], [5, 6], [6, 7]]
    assert tokens[1].spans.tolist() == [[0, 2], [2, 3], [3, 4]]
