"""``--llm`` and ``--knowledge``: what a Matcher asks and knows besides what is built in."""

from __future__ import annotations

from pathlib import Path
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

KnowledgeFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--knowledge",
        metavar="FILE",
        help="Names of your own, besides those built in: an OBO file (Cell Ontology, Uberon, EFO "
        "...) or the flat file of Cellosaurus; perhaps with .gz. Can be given several times.",
    ),
]


def asked_matcher(llm: str | None, knowledge: list[Path] | None = None) -> Matcher:
    """Make the Matcher that the options ask for.

    Raises
    ------
    UsageError
        If the spec is not well formed, or a file cannot be read.
    """
    from genomark.errors import UsageError
    from genomark.matching import Matcher, builtin

    if llm is None and not knowledge:
        return builtin.builtin_matcher()
    from genomark.matching.llm import LlmChooser
    from genomark.matching.ontologies import knowledge_of

    try:
        chooser = LlmChooser.of(llm) if llm is not None else None
    except UsageError as error:
        raise UsageError(f"--llm: {error}") from error
    return Matcher(knowledge_of(knowledge or []), llm=chooser)
