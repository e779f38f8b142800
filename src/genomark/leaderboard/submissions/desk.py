"""Taking a submission: who sends it, its bytes to the disk, a row, and only then an answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager

from starlette.requests import Request

from genomark.errors import WriteError, one_line
from genomark.leaderboard.submissions.forms import Forms, is_same_origin
from genomark.leaderboard.submissions.incoming import Incoming, Upload
from genomark.leaderboard.submissions.intake import (
    TurnedAwayError,
    Turnstile,
    UploadLimits,
    check_declared,
    check_disk,
    pieces,
)
from genomark.leaderboard.submissions.multipart import (
    Multipart,
    MultipartError,
    Part,
    boundary_of,
)
from genomark.leaderboard.submissions.rates import Rates
from genomark.leaderboard.submissions.tokens import Token, holder
from genomark.leaderboard.submissions.waiting_list import (
    KnownError,
    RevokedError,
    Row,
    SpentError,
    WaitingList,
    now,
)
from genomark.results.store import Store
from genomark.results.submission.archive import first_member
from genomark.results.submission.bundle import LARGEST_MANIFEST, MANIFEST
from genomark.results.submission.manifest import Manifest, read_manifest
from genomark.results.submission.receipt import RefusedError

logger = logging.getLogger("genomark.leaderboard")

BUNDLE_TYPE, FORM_TYPE = "application/zip", "multipart/form-data"
#: Bytes of a field of the form that is no file.
_LONGEST_FIELD = 512
#: Of an archive, in which its first member must be.
_HEAD = LARGEST_MANIFEST + 256
_NOT_TAKEN = (
    f"expected a bundle of genomark submit, as {BUNDLE_TYPE} or in the form. This server opens no "
    "URL: send predictions, and not where a Predictor is"
)


class Desk:
    """Takes submissions of one server.

    Parameters
    ----------
    store : Store
    incoming : Incoming
    limits : UploadLimits
    arrived : callable
        Is called when there is something new to score.
    """

    def __init__(
        self,
        store: Store,
        incoming: Incoming,
        limits: UploadLimits,
        arrived: Callable[[], None],
    ) -> None:
        self.forms = Forms()
        self.limits = limits
        self._store = store
        self._waiting = WaitingList(store.database)
        self._incoming = incoming
        self._arrived = arrived
        self._turnstile = Turnstile(limits)
        self._rates = Rates(limits.per_minute)

    async def receive(self, request: Request) -> Row:
        """Take what a request holds; what is returned outlives any crash.

        Raises
        ------
        TurnedAwayError
            Says why it is not taken; then nothing of it is kept.
        """
        address = request.client.host if request.client else ""
        if wait := self._rates.take(address):
            raise TurnedAwayError(429, "Too many tries; wait a little", retry_after=wait)
        if not is_same_origin(request):
            raise TurnedAwayError(403, "This form was filled in on another site; open it here")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in (BUNDLE_TYPE, FORM_TYPE):
            raise TurnedAwayError(415, f"'{one_line(kind)[:80]}' is not taken: {_NOT_TAKEN}")
        given = _bearer(request)
        if given is None and kind == BUNDLE_TYPE:
            raise _nobody()
        token = None if given is None else await self._holder(given)
        check_declared(request, self.limits)
        try:
            return await self._taken(request, kind, token)
        except MultipartError as error:
            raise TurnedAwayError(400, f"{one_line(error)}: {_NOT_TAKEN}") from error
        except WriteError as error:
            logger.error("submission: %s", one_line(error))
            raise TurnedAwayError(
                507, "The submission cannot be kept here now; nothing of it was. Send it again"
            ) from error

    async def _taken(self, request: Request, kind: str, token: Token | None) -> Row:
        async with aclosing(pieces(request, self.limits)) as body:
            if kind == BUNDLE_TYPE:
                assert token is not None
                return await self._stored(body, token)
            fields = _Fields(body, boundary_of(request.headers["content-type"]))
            told = await fields.before_file()
            if token is None:
                if not self.forms.is_ours(request, told.get("csrf", "")):
                    raise TurnedAwayError(
                        403, "This form is too old, or is none of this server; send it once more"
                    )
                token = await self._holder(told.get("token", ""))
            return await self._stored(fields.file(), token)

    async def _holder(self, given: str) -> Token:
        found = await asyncio.to_thread(holder, self._store, given)
        if found is None:
            raise _nobody()
        with _as_answers():
            await asyncio.to_thread(self._waiting.check, found)
        return found

    async def _stored(self, body: AsyncIterator[bytes], token: Token) -> Row:
        """Write what comes to the disk, then a row."""
        with self._turnstile.turn():
            check_disk(self._incoming.free_bytes(), self.limits)
            with self._incoming.begin() as upload:
                async for piece in body:
                    await upload.write(piece)
                # From here on it goes to its end, whoever waits for it: a row has its file.
                upload.keep()
                row = await asyncio.shield(asyncio.to_thread(self._kept, upload, token))
        logger.info(
            "submission %s… of %s: %s on %s, %d bytes",
            *(row.id[:8], one_line(token.name), one_line(row.model), one_line(row.benchmark)),
            upload.size,
        )
        self._arrived()
        return row

    def _kept(self, upload: Upload, token: Token) -> Row:
        try:
            upload.finish()
            return self._admitted(upload, token)
        except KnownError as error:
            upload.drop()
            raise TurnedAwayError(409, one_line(error), first=error.id) from error
        except BaseException:
            upload.drop()
            raise

    def _admitted(self, upload: Upload, token: Token) -> Row:
        manifest = _manifest(upload)
        self._waiting.known(upload.digest, manifest.public_key, manifest.nonce, token.name)
        row = Row(
            id=upload.id,
            received=now(),
            token=token.name,
            bundle=upload.digest,
            benchmark=manifest.benchmark.asked or manifest.benchmark.id,
            model=manifest.model.name,
        )
        with _as_answers():
            self._waiting.admit(row, token)
        return row


@contextmanager
def _as_answers() -> Iterator[None]:
    """Turn what a token may not do into what is answered."""
    try:
        yield
    except RevokedError as error:
        raise TurnedAwayError(403, one_line(error)) from error
    except SpentError as error:
        raise TurnedAwayError(429, one_line(error), retry_after=error.seconds) from error


class _Fields:
    """A form of some words and then one file."""

    def __init__(self, body: AsyncIterator[bytes], boundary: bytes) -> None:
        self._body = body
        self._form = Multipart(boundary)
        self._events = self._read()

    async def before_file(self) -> dict[str, str]:
        """Read the words; the file comes next."""
        told: dict[str, bytes] = {}
        name = ""
        async for event in self._events:
            if not isinstance(event, Part):
                told[name] += event
                if len(told[name]) > _LONGEST_FIELD:
                    raise MultipartError(f"the field '{name}' is too long")
                continue
            name = event.name
            if name == "file" and event.is_file:
                return {each: value.decode("utf-8", "replace") for each, value in told.items()}
            if name not in ("csrf", "token") or name in told:
                raise MultipartError(
                    f"a field '{one_line(name)}' that is not asked for, or stands twice"
                )
            told[name] = b""
        raise MultipartError("the form has no file")

    async def file(self) -> AsyncIterator[bytes]:
        """Read the file, which is the last field."""
        async for event in self._events:
            if isinstance(event, Part):
                raise MultipartError("the form has a field behind its file")
            yield event

    async def _read(self) -> AsyncIterator[Part | bytes]:
        async for piece in self._body:
            for event in self._form.feed(piece):
                yield event
        self._form.close()


def _manifest(upload: Upload) -> Manifest:
    """Read what a bundle says of itself; whether it is signed is seen when it is scored."""
    try:
        content = first_member(upload.head(_HEAD), MANIFEST, LARGEST_MANIFEST)
        return read_manifest(content)
    except RefusedError as error:
        raise TurnedAwayError(400, f"{one_line(error)}: {_NOT_TAKEN}") from error


def _bearer(request: Request) -> str | None:
    given = request.headers.get("authorization")
    if given is None:
        return None
    scheme, _, token = given.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _nobody() -> TurnedAwayError:
    return TurnedAwayError(
        401, "No such token; whoever keeps this board makes one with: genomark board token add"
    )
