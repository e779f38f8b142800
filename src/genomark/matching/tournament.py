"""The tournament of GAME's Matcher: a language model over the whole list, part by part.

GAME 1.0, section 6.4: consecutive parts of 20 choices each have a winner or none; the winners,
sorted and each once, play on while there are more than 20; then one last question decides. A list
of 701 names costs 39 questions. It is here for comparison: it asks far more than the stages do.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

import msgspec

from genomark import bars
from genomark.errors import UsageError
from genomark.matching.llm import LlmAnswer
from genomark.matching.llm_errors import LlmError

#: From a term, its category and a few choices to one of them: `LlmChooser.choose`.
Choose = Callable[[str, str, Sequence[str]], LlmAnswer]

#: Choices of one question.
CHUNK = 20


class TournamentAnswer(msgspec.Struct, frozen=True):
    """What a tournament came to.

    Attributes
    ----------
    choice : str or None
        The champion; None where GAME says ``"NULL"``.
    calls : int
        Requests to the model, repeated ones included.
    rounds : int
        The last question included.
    seconds : float
        All of it.
    faults : tuple of str
        Parts that had no winner because the model failed or its answer was of no use, in the
        order in which they were asked.
    """

    choice: str | None
    calls: int
    rounds: int
    seconds: float
    faults: tuple[str, ...] = ()


def tournament(
    choose: Choose,
    term: str,
    category: str,
    choices: Sequence[str],
    chunk: int = CHUNK,
    *,
    progress: bool = True,
) -> TournamentAnswer:
    """Find the choice that means `term` as GAME's Matcher does.

    Parameters
    ----------
    choose : callable
        ``choose(term, category, part)``. What it answers outside of the part is no winner.
    term, category : str
    choices : sequence of str
        In the order in which they are parted; one that is there twice plays twice.
    chunk : int
        Choices of one question.
    progress : bool
        Show a bar, where somebody watches.

    Returns
    -------
    TournamentAnswer

    Raises
    ------
    LlmError
        If there is no champion and the model failed on the way: GAME says ``"NULL"`` then, too,
        but nobody knows that nothing matches. A part that failed has no winner, as in GAME.
    UsageError
        If there are no choices, or fewer than two to a question.
    """
    if not choices:
        raise UsageError(f"no choices were given for '{term[:60]}'")
    if chunk < 2:
        raise UsageError(f"{chunk} choices to a question; expected 2 or more")
    began = time.monotonic()
    with _watched(_most_questions(len(choices), chunk), progress) as asked:
        play = _Play(choose, term, category, asked)
        champions = play.round(choices, chunk)
        while len(champions) > chunk:
            champions = play.round(champions, chunk)
        if len(champions) > 1:
            champions = play.round(champions, chunk)
        choice = champions[0] if champions else None
    if choice is None and play.error is not None:
        raise LlmError(
            f"the tournament found nothing, and {play.failures} of its questions failed: "
            f"{play.error}",
            calls=play.calls,
        ) from play.error
    seconds = time.monotonic() - began
    return TournamentAnswer(choice, play.calls, play.rounds, seconds, tuple(play.faults))


class _Play:
    """The questions of a tournament so far."""

    def __init__(self, choose: Choose, term: str, category: str, asked: Callable[[], None]) -> None:
        self._choose = choose
        self._term = term
        self._category = category
        self._asked = asked
        self.calls = 0
        self.rounds = 0
        self.faults: list[str] = []
        self.failures = 0
        self.error: LlmError | None = None

    def round(self, choices: Sequence[str], chunk: int) -> list[str]:
        """Play all parts; give the winners, sorted, each once."""
        self.rounds += 1
        parts = [choices[start : start + chunk] for start in range(0, len(choices), chunk)]
        return sorted({winner for part in parts if (winner := self._winner(part)) is not None})

    def _winner(self, part: Sequence[str]) -> str | None:
        try:
            answer = self._choose(self._term, self._category, part)
        except LlmError as error:
            self.calls += error.calls
            self.failures += 1
            self.error = self.error or error
            self.faults.append(str(error))
            return None
        finally:
            self._asked()
        self.calls += answer.calls
        if answer.fault:
            self.faults.append(answer.fault)
        return answer.choice if answer.choice in part else None


def _most_questions(choices: int, chunk: int) -> int:
    """Count the questions if every part has a winner."""
    questions = 0
    while choices > 1 or not questions:
        choices = -(-choices // chunk)
        questions += choices
    return questions


@contextlib.contextmanager
def _watched(most: int, progress: bool) -> Iterator[Callable[[], None]]:
    if not (progress and bars.interactive()):
        yield lambda: None
        return
    bar = bars.bar(most, "items")
    done = 0

    def asked() -> None:
        nonlocal done
        done += 1
        bar.show(done, "questions to the language model")

    try:
        yield asked
    finally:
        bar.close()
