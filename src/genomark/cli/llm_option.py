"""``--llm``: the language model that a Matcher asks where it is not sure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from genomark.matching import Matcher

Llm = Annotated[
    str | None,
    typer.Option(
        "--llm",
        metavar="SPEC",
        help="A language model, asked once a term that is not sure: ollama:URL,model=NAME or "
        "openai:URL,model=NAME. Left out: none.",
    ),
]


def asked_matcher(llm: str | None) -> Matcher:
    """Make the Matcher that the option asks for.

    Raises
    ------
    UsageError
        If the spec is not well formed.
    """
    from genomark.errors import UsageError
    from genomark.matching import Matcher, builtin

    if llm is None:
        return builtin.builtin_matcher()
    from genomark.matching.llm import LlmChooser

    try:
        return Matcher(llm=LlmChooser.of(llm))
    except UsageError as error:
        raise UsageError(f"--llm: {error}") from error
