"""Tokenizers and networks as transformers loads them, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genomark.errors import GenomarkError, ModelError

#: Parts of which nothing here is used: that they are drawn at random does no harm.
_UNUSED = ("pooler", "contact_head", "seq_relationship")


@contextmanager
def as_model_error(what: str, hint: str = "") -> Iterator[None]:
    """Make one line of whatever the code of a model may raise.

    Parameters
    ----------
    what : str
        Begins the line: which model.
    hint : str
        Ends it: what to do.
    """
    try:
        yield
    except GenomarkError:
        raise
    # Models are code of others: they may fail in any way.
    except Exception as error:
        raise ModelError(
            f"{what}: the checkpoint cannot be used: {first_line(error)}{hint}"
        ) from error


def first_line(error: BaseException) -> str:
    """The first line of a message, or the name of the error if it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def without_bars() -> Iterator[None]:
    """No bars and no reports of others while weights are loaded: what matters is checked here."""
    from transformers import utils

    logging: Any = utils.logging
    drawn, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if drawn:
            logging.enable_progress_bar()


def load_tokenizer(folder: Path, *, trust: bool) -> Any:
    """Load the tokenizer of a checkpoint from its folder."""
    from transformers import AutoTokenizer

    with without_bars():
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=trust, local_files_only=True)


def load_network(
    folder: Path, kind: str, *, trust: bool, safe: bool = True, prefixes: tuple[str, ...] = ("",)
) -> Any:
    """Load a network in float32, in evaluation mode, on the processor.

    Parameters
    ----------
    folder : Path
    kind : str
        Class of transformers that knows which network it is, such as ``AutoModel``.
    trust : bool
        Whether code that comes with the checkpoint may run.
    safe : bool
        Whether the weights are in the safetensors format; others are read as plain tensors only.
    prefixes : tuple of str
        With what the names of those tensors begin that are used.

    Raises
    ------
    ModelError
        If the checkpoint lacks tensors, which transformers would draw at random.
    """
    import transformers

    with without_bars():
        network, told = getattr(transformers, kind).from_pretrained(
            folder,
            trust_remote_code=trust,
            use_safetensors=safe,
            weights_only=True,
            local_files_only=True,
            output_loading_info=True,
        )
    absent = sorted(
        key
        for key in told["missing_keys"]
        if key.startswith(prefixes) and not any(part in key for part in _UNUSED)
    )
    if absent:
        raise ModelError(
            f"{folder}: the checkpoint lacks {len(absent)} tensors, first "
            f"'{absent[0]}'; expected all weights of a {type(network).__name__}"
        )
    return network.float().eval()
