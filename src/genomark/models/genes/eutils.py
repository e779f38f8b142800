"""NCBI's E-utilities over HTTPS: politely, patiently, and without a word of the key.

Forms and limits are those of the Entrez Programming Utilities Help (Sayers 2010, NCBI Bookshelf
NBK25497): three requests a second, ten with a key from ``NCBI_API_KEY``. The service names key or
address in its error messages, so none of them is ever repeated; only the status is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPException
from typing import TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, build_opener

import msgspec

from genomark.errors import DatasetUnavailableError

T = TypeVar("T")

ORIGIN = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"

TIMEOUT = 30.0
"""Seconds a socket may be silent."""

ATTEMPTS = 5
"""How often a request is made, the first time included."""

BACKOFF = 1.0
"""Seconds before the second attempt; each further one waits twice as long."""

#: Requests a second, a little under what is allowed: clocks differ.
_RATE, _RATE_WITH_KEY = 2.9, 9.5
#: The longest wait a server may ask for, seconds.
_LONGEST_WAIT = 60.0
#: Answers are below a tenth of that.
_MOST_BYTES = 64 << 20


class _Failed(Exception):
    """An attempt failed."""

    def __init__(self, why: str, *, passing: bool, wait: float = 0.0) -> None:
        super().__init__(why)
        self.passing = passing  # another attempt may do better
        self.wait = wait  # what the server asked for, seconds


class Eutils:
    """A client of one process; requests are made one after the other."""

    def __init__(self) -> None:
        self._last = -1.0
        self._answered = False

    def ask(self, verb: str, form: Mapping[str, str], kind: type[T]) -> T:
        """Ask once, and again where that may help.

        Parameters
        ----------
        verb : str
            Such as ``"esearch"``.
        form : mapping of str to str
            Sent in the body, so that it may be long.
        kind : type
            What the JSON of the answer has to be, for `msgspec`.

        Raises
        ------
        DatasetUnavailableError
            If NCBI cannot be reached, refuses, or answers nonsense time and again.
        """
        url = f"{ORIGIN}/{verb}.fcgi"
        key = os.environ.get("NCBI_API_KEY", "")
        fields = {"db": "gene", "retmode": "json", "tool": "genomark", **form}
        body = urlencode(fields | ({"api_key": key} if key else {})).encode()
        failures: list[_Failed] = []
        while len(failures) < ATTEMPTS:
            if failures:
                time.sleep(max(failures[-1].wait, BACKOFF * 2 ** (len(failures) - 1)))
            self._keep_to_rate(_RATE_WITH_KEY if key else _RATE)
            try:
                return _decoded(self._post(url, body), kind)
            except _Failed as failure:
                failures.append(failure)
                if not failure.passing:
                    break
        times = f" ({len(failures)} attempts)" if len(failures) > 1 else ""
        raise DatasetUnavailableError(f"{url}: {failures[-1]}{times}") from failures[-1]

    def _keep_to_rate(self, rate: float) -> None:
        if self._last >= 0:
            time.sleep(max(0.0, self._last + 1 / rate - time.monotonic()))
        self._last = time.monotonic()

    def _post(self, url: str, body: bytes) -> bytes:
        try:
            with build_opener().open(Request(url, data=body), timeout=TIMEOUT) as answer:
                content: bytes = answer.read(_MOST_BYTES)
        except HTTPError as error:
            with error:
                raise _refusal(error) from error
        except (OSError, HTTPException) as error:
            reason = error.reason if isinstance(error, URLError) else error
            # Offline is no passing trouble: nobody should wait to learn of it.
            raise _Failed(f"{reason or type(reason).__name__}", passing=self._answered) from error
        self._answered = True
        return content


def _refusal(error: HTTPError) -> _Failed:
    passing = error.code == HTTPStatus.TOO_MANY_REQUESTS or error.code >= 500
    asked = error.headers.get("Retry-After", "")
    wait = min(float(asked), _LONGEST_WAIT) if asked.isdigit() else 0.0
    hint = "; is NCBI_API_KEY right?" if "NCBI_API_KEY" in os.environ and not passing else ""
    return _Failed(f"HTTP {error.code}{hint}", passing=passing, wait=wait)


def _decoded(content: bytes, kind: type[T]) -> T:
    """Read an answer; also a refusal comes as JSON, at times with the status of success."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _Failed("the answer is not what the E-utilities give", passing=True) from error
