"""The other side: sending a bundle to a board, and hearing what became of it."""

from __future__ import annotations

import http.client
import ipaddress
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec

from genomark.errors import GenomarkError, UsageError, one_line
from genomark.leaderboard.slugs import slug_of
from genomark.leaderboard.views import Benchmark, Problem, Replay, Submission
from genomark.scoring import Result

T = TypeVar("T")

#: Seconds for an answer; between looks; and for a board that is busy, all in all.
_PATIENCE, _LOOK, _BUSY = 60.0, 2.0, 600.0
_PIECE = 1 << 16
_LARGEST_ANSWER = 1 << 26
_BUSY_STATUSES = (429, 503)

#: Told how many bytes of how many were sent.
Progress = Callable[[int, int], None]


class _Answer(NamedTuple):
    status: int
    body: bytes
    retry_after: float


class BoardClient:
    """A board at a URL, and a token for it.

    Parameters
    ----------
    url : str
        ``https://HOST[:PORT][/PATH]``; ``http`` for this machine alone.
    token : str
        Sent to this host, and to no other: nothing is followed elsewhere.
    insecure : bool
        Send it where others can read it on the way.

    Raises
    ------
    UsageError
        If the URL is none, or the token could be read on the way.
    """

    def __init__(self, url: str, token: str, *, insecure: bool = False) -> None:
        try:
            parts = urlsplit(url)
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError as error:
            raise UsageError(f"'{one_line(url)}' is no URL of a board ({error})") from error
        if parts.scheme not in ("http", "https") or not self._host or parts.query or parts.username:
            raise UsageError(
                f"'{one_line(url)}' is no URL of a board: expected https://HOST[:PORT]"
            )
        if parts.scheme == "http" and not insecure and not _is_here(self._host):
            raise UsageError(
                f"{one_line(url)}: a token sent by plain http can be read on the way; use https, "
                "or --insecure where the network is your own"
            )
        if not token.isascii() or not token.isprintable():
            raise UsageError(
                "The token holds what no token does; expected one line, as it was made"
            )
        self._secure = parts.scheme == "https"
        self._path = parts.path.rstrip("/")
        self._token = token
        self.url = f"{parts.scheme}://{parts.netloc}{self._path}"

    def send(self, bundle: Path, progress: Progress = lambda sent, total: None) -> Submission:
        """Send a bundle; wait where the board is busy, and try again.

        Returns
        -------
        Submission
            As it waits to be scored.

        Raises
        ------
        UsageError
            If the board refuses it.
        GenomarkError
            If the board cannot be reached.
        """
        end = time.monotonic() + _BUSY
        unheard = False
        while True:
            try:
                answer = self._post(bundle, progress)
            except (OSError, http.client.HTTPException) as error:
                # It may have come: then the second time says so.
                if unheard:
                    raise self._unreachable(error) from error
                unheard = True
                continue
            if answer.status == 202:
                return _read(answer, Submission)
            if answer.status == 409 and unheard:
                first = _read(answer, Replay).first
                if first is not None:
                    return self.look(first)
            busy = answer.status in _BUSY_STATUSES
            if not busy or time.monotonic() + answer.retry_after > end:
                raise UsageError(f"{self.url} does not take it: {_message(answer)}")
            time.sleep(answer.retry_after)

    def look(self, id: str) -> Submission:
        """Ask what became of a submission.

        Raises
        ------
        GenomarkError
            If the board cannot be reached, or knows of no such submission.
        """
        return self._get(f"/submissions/{id}.json", Submission)

    def wait(self, id: str) -> Submission:
        """Ask until nothing more will become of it.

        Raises
        ------
        GenomarkError
            If the board knows of no such submission, or cannot be reached for a minute.
        """
        lost: float | None = None
        while True:
            try:
                found = self.look(id)
            except UsageError:
                raise
            except GenomarkError:
                # Boards are restarted, and lose nothing by it.
                lost = lost or time.monotonic()
                if time.monotonic() > lost + _PATIENCE:
                    raise
                time.sleep(_LOOK)
                continue
            if found.state not in ("waiting", "scoring"):
                return found
            lost = None
            time.sleep(_LOOK)

    def page(self, id: str) -> str:
        """Give the address of the page of a submission."""
        return f"{self.url}/submissions/{id}"

    def rank(self, scored: Submission) -> str | None:
        """Say which rank a scored submission has, of how many models; None where nothing does."""
        if scored.result is None:
            return None
        result = self._get(f"/results/{scored.result}.json", Result)
        page = self._get(f"/benchmarks/{slug_of(result.benchmark.id)}.json", Benchmark)
        ranked = [each.score for each in page.lines if each.score.rank_first is not None]
        for score in ranked:
            if score.result == scored.result:
                first, last = score.rank_first, score.rank_last
                told = f"{first}" if first == last else f"{first} to {last}"
                return f"{told} of {len(ranked)}"
        return None

    def _get(self, path: str, kind: type[T]) -> T:
        try:
            answer = self._asked("GET", path)
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        if answer.status >= 500:
            raise GenomarkError(f"{self.url}: {_message(answer)}")
        if answer.status != 200:
            raise UsageError(f"{self.url}: {_message(answer)}")
        return _read(answer, kind)

    def _post(self, bundle: Path, progress: Progress) -> _Answer:
        size = bundle.stat().st_size
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/zip",
            "Content-Length": str(size),
        }
        with bundle.open("rb") as file:
            return self._asked("POST", "/submissions", headers, _pieces(file, size, progress))

    def _asked(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: Iterable[bytes] = (),
    ) -> _Answer:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=_PATIENCE)
        try:
            connection.putrequest(method, f"{self._path}{path}", skip_accept_encoding=True)
            for name, value in {"Accept": "application/json", **(headers or {})}.items():
                connection.putheader(name, value)
            connection.endheaders()
            # Who refuses a body early stops reading it: why, stands in the answer.
            with suppress(BrokenPipeError, ConnectionResetError):
                for piece in body:
                    connection.send(piece)
            response = connection.getresponse()
            after = response.headers.get("Retry-After", "")
            return _Answer(
                response.status,
                response.read(_LARGEST_ANSWER),
                float(after) if after.isdecimal() else _LOOK,
            )
        finally:
            connection.close()

    def _unreachable(self, error: Exception) -> GenomarkError:
        reason = one_line(error) or type(error).__name__
        return GenomarkError(f"{self.url} cannot be reached, or does not answer: {reason}")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _pieces(file: BinaryIO, size: int, progress: Progress) -> Iterator[bytes]:
    sent = 0
    while piece := file.read(_PIECE):
        yield piece
        sent += len(piece)
        progress(sent, size)


def _read(answer: _Answer, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.MsgspecError as error:
        raise GenomarkError(
            f"The board answers with what is none of a board's ({one_line(error)})"
        ) from error


def _message(answer: _Answer) -> str:
    try:
        told = msgspec.json.decode(answer.body, type=Problem).message
    except msgspec.MsgspecError:
        told = "it gives no reason"
    return f"{one_line(told)} (status {answer.status})"
