"""A T5 as others trained it: of the hub, or in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genomark.digests import digest_of
from genomark.errors import ModelError, UsageError
from genomark.extras import import_extra, require_extras
from genomark.models.genes.encoders import digest_of_checkpoint
from genomark.models.hub.checkpoint import HubCheckpoint
from genomark.models.hub.files import downloaded, files_of, local_folder
from genomark.models.hub.loading import as_model_error, load_network, load_tokenizer
from genomark.models.hub.vocabulary import Tokens
from genomark.training.text_form import Ids, TaskClasses, TextForm, numbers_in, sentinels_in

if TYPE_CHECKING:
    from torch import nn

_FAMILY = ("t5", "mt5", "umt5", "longt5")
_TOKENIZER_FILES = ("*.json", "*.txt", "*.model")
_PIECES = "spiece.model"
#: What a sequence may hold: bases, and letters for several of them.
_LETTERS = "ACGTUNRYSWKMBDHV"


class T5Checkpoint:
    """A T5 of the hub, or in a folder; no code that comes with it runs.

    Parameters
    ----------
    name : str
        A folder, or a name on the hub, perhaps with ``@revision``.
    vocabulary : str
        The same, of the tokenizer that its answers are read by; "" for its own.
    prefixes : str
        Texts before a sequence for each label, parted by ``/``; "" for none, or for words that
        stand for no text where there are several labels and it is fitted.
    tokens : str
        How sequences become words, a `genomark.models.hub.vocabulary.Tokens`.
    published : bool

    Raises
    ------
    UsageError
        If there is no such folder, or a library is lacking.
    """

    def __init__(
        self, name: str, *, vocabulary: str, prefixes: str, tokens: Tokens, published: bool
    ) -> None:
        self.published = published
        self.spec = f"t5:{name}"
        self._checkpoint = HubCheckpoint(name, tokens=tokens)
        self._vocabulary = vocabulary
        self._prefixes = prefixes.split("/") if prefixes else []
        if vocabulary:
            local_folder(self.spec, vocabulary)

    @property
    def digest(self) -> str:
        """Of the files of the checkpoint and of the vocabulary, and of how they are used."""
        folder = self._vocabulary_folder
        words = digest_of_checkpoint(folder, files_of(folder, _TOKENIZER_FILES))
        return digest_of([self._checkpoint.digest, words, self._prefixes, self.published])

    @property
    def revision(self) -> str | None:
        """The commit, where the files come from the hub."""
        return self._checkpoint.files.revision

    @property
    def pad_id(self) -> int:
        """Fills up a batch."""
        return self._checkpoint.pad_id

    def form(self, asked: TaskClasses) -> TextForm:
        """Write a task in its words.

        A class is the word that is read as its number. Where the vocabulary has no such words and
        the model is fitted, it is one that stands for no text.

        Raises
        ------
        UsageError
            If there is no word for a class, or no prefix for a label.
        ModelError
            If a tokenizer cannot be loaded.
        """
        found = numbers_in(self._words, asked.classes, self._width)
        lacking = [str(each) for each, ids in zip(asked.classes, found, strict=True) if not ids]
        spare = sentinels_in(self._words, self._width)
        if lacking and (self.published or len(spare) < len(asked.classes)):
            raise UsageError(
                f"{self.spec}: its vocabulary has no word for {len(lacking)} of the "
                f"{len(asked.classes)} classes of '{asked.task}', first '{lacking[0]}'; name the "
                "tokenizer its answers are read by: vocabulary=NAME"
            )
        if lacking:
            found = tuple((each,) for each in spare[: len(asked.classes)])
        elif not self.published:
            found = tuple(ids[:1] for ids in found)
        said = [(word, place) for place, ids in enumerate(found) for word in ids]
        words, places = zip(*said, strict=True)
        return TextForm(asked, words, places, self._prefix_ids(asked, set(words)))

    def _prefix_ids(self, asked: TaskClasses, taken: set[int]) -> tuple[tuple[int, ...], ...]:
        if self._prefixes:
            if len(self._prefixes) != asked.n_labels:
                raise UsageError(
                    f"{self.spec}: {len(self._prefixes)} prefixes for the {asked.n_labels} labels "
                    f"of '{asked.task}'; expected one each, parted by '/'"
                )
            return tuple(self._ids_of(text) for text in self._prefixes)
        if asked.n_labels == 1:
            return ((),)
        spare = [each for each in sentinels_in(self._own, self._width) if each not in taken]
        if self.published or len(spare) < asked.n_labels:
            why = "what parts them is not known" if self.published else "it has no words to spare"
            raise UsageError(
                f"{self.spec}: '{asked.task}' asks {asked.n_labels} labels, and {why}; write what "
                "comes before a sequence for each: prefixes=TEXT/TEXT/..."
            )
        # From the end, as the first may say classes of another task.
        return tuple((each,) for each in spare[: -asked.n_labels - 1 : -1])

    def _ids_of(self, prefix: str) -> tuple[int, ...]:
        ids = [int(each) for each in self._own(prefix, add_special_tokens=False)["input_ids"]]
        # Where nothing tells how many words stand for no text, transformers takes there to be 100.
        if not ids or self._own.unk_token_id in ids or max(ids) >= self._width:
            raise UsageError(f"{self.spec}: prefix '{prefix}' is not made of words that it knows")
        return tuple(ids)

    def encode(self, sequences: Sequence[str]) -> list[Ids]:
        """Cut sequences into words, the one for an end last; nothing is cut off."""
        self._own  # noqa: B018  (says first what its tokenizer needs)
        return [each.ids for each in self._checkpoint.tokens(sequences)]

    def network(self, form: TextForm) -> nn.Module:
        """Load the encoder and decoder in float32.

        Raises
        ------
        UsageError
            If it is no T5.
        ModelError
            If weights are lacking or cannot be read.
        """
        self._width  # noqa: B018  (says first that it is no T5)
        files = self._checkpoint.files
        with as_model_error(self.spec):
            loaded: nn.Module = load_network(
                files.folder, "AutoModelForSeq2SeqLM", trust=False, safe=files.safe
            )
        return loaded

    @property
    def _width(self) -> int:
        """Words that it tells the probability of."""
        config = self._checkpoint.files.config
        if config.get("model_type") not in _FAMILY:
            raise UsageError(
                f"{self.spec}: config.json names a model of the type '{config.get('model_type')}'; "
                f"expected {' or '.join(_FAMILY)}: an encoder and a decoder"
            )
        return int(config["vocab_size"])

    @cached_property
    def _own(self) -> Any:
        folder = self._checkpoint.files.folder
        tokenizer = _text_tokenizer(self.spec, folder)
        if _of_pieces(folder):
            with as_model_error(self.spec):
                _check_cuts(self.spec, folder / _PIECES, tokenizer)
        return tokenizer

    @cached_property
    def _words(self) -> Any:
        if not self._vocabulary:
            return self._own
        return _text_tokenizer(
            f"{self.spec},vocabulary={self._vocabulary}", self._vocabulary_folder
        )

    @cached_property
    def _vocabulary_folder(self) -> Path:
        if not self._vocabulary:
            return self._checkpoint.files.folder
        folder = local_folder(self.spec, self._vocabulary)
        return folder or downloaded(self.spec, self._vocabulary, _TOKENIZER_FILES)


def _of_pieces(folder: Path) -> bool:
    """Whether a tokenizer is there in the format of SentencePiece alone."""
    return (folder / _PIECES).is_file() and not (folder / "tokenizer.json").is_file()


def _text_tokenizer(spec: str, folder: Path) -> Any:
    """Load a tokenizer; say what it takes to read one in the format of SentencePiece."""
    if _of_pieces(folder):
        what = f"{spec}: its tokenizer is a {_PIECES}, which"
        require_extras(what, {"sentencepiece": "hub", "google.protobuf": "hub"})
    with as_model_error(spec):
        return load_tokenizer(folder, trust=False)


def _check_cuts(spec: str, path: Path, tokenizer: Any) -> None:
    """Refuse a tokenizer that is not cut as it was trained.

    transformers takes the words out of a `spiece.model` and cuts as that of the first T5 does,
    whatever kind this one is of.
    """
    pieces = import_extra(spec, "sentencepiece", "hub").SentencePieceProcessor(model_file=str(path))
    words = (pieces.id_to_piece(each).strip("▁") for each in range(len(pieces)))
    texts = sorted(
        {*_LETTERS, *(word for word in words if word and {*_LETTERS} >= {*word.upper()})}
    )
    trained = pieces.encode(texts, num_threads=1)
    for text, ids, expected in zip(texts, tokenizer(texts)["input_ids"], trained, strict=True):
        # Of cuts that are as likely, such as AA A and A AA, either may be taken.
        if sorted(ids) != sorted([*expected, pieces.eos_id()]):
            raise ModelError(
                f"{spec}: transformers cuts '{text}' into the words {ids}, and SentencePiece by "
                f"{path.name} into {[*expected, pieces.eos_id()]}; expected one that both read the "
                "same; put a tokenizer.json of it beside it, and in tokenizer_config.json "
                '"tokenizer_class": "PreTrainedTokenizerFast"'
            )
