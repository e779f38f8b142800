"""What becomes of a question that a language model does not answer."""

from __future__ import annotations

from genomark.errors import RemoteModelError


class LlmError(RemoteModelError):
    """A language model gave no answer. `calls` were sent in vain."""

    def __init__(self, message: str, *, calls: int) -> None:
        super().__init__(message)
        self.calls = calls


class LlmOutageError(LlmError):
    """... and will most likely give none to the next question either."""
