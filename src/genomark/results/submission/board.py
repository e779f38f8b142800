"""A board that keeps hidden labels: it receives bundles, and answers with receipts.

All of it is files: the log, sealed labels, and the bundles that were scored. `Board` knows of no
network; what serves it hands bytes in and receipts out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from genomark.atomic import write_whole
from genomark.errors import GenomarkError, UsageError, WriteError
from genomark.results.submission.attempt_log import Attempt, AttemptLog, Reading
from genomark.results.submission.bundle import LARGEST_BUNDLE, Bundle, open_bundle
from genomark.results.submission.decoding import decode_predictions, refuse_constant
from genomark.results.submission.final import FinalScores, final_scores
from genomark.results.submission.hidden import TestTable
from genomark.results.submission.hosting import Hosted, host, items_path, referee_of
from genomark.results.submission.manifest import check_key, check_name, sha256, stamp
from genomark.results.submission.receipt import (
    RECEIPT_SCHEMA,
    Figure,
    Receipt,
    RefusedError,
    RefusedPredictionsError,
    document,
)
from genomark.results.submission.referee import Referee
from genomark.results.submission.rules import Limits, admit, attempts_left, check_times
from genomark.results.submission.sealed import BoardKey, make_board_key, read_board_key
from genomark.results.submission.similarity import sketch
from genomark.results.submission.standing import count_attempt
from genomark.results.submission.status import BoardStatus, board_status

Floats = NDArray[np.float64]


def _now() -> datetime:
    return datetime.now(UTC)


class Board:
    """A folder with benchmarks whose labels are hidden, and what was submitted to them.

    Made by `init`, opened by `open`. Any number of processes and threads may use one folder.
    """

    def __init__(
        self,
        folder: Path,
        key: BoardKey,
        limits: Limits,
        threads: int = 1,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._folder = folder
        self._key = key
        self._limits = limits
        self._threads = threads
        self._clock = clock
        self._log = AttemptLog(folder / "board.sqlite")
        self._referees: dict[str, Referee] = {}

    @classmethod
    def init(cls, folder: Path, key: Path, limits: Limits | None = None) -> Board:
        """Make a board.

        Parameters
        ----------
        folder : Path
            Made if it is missing.
        key : Path
            File outside `folder` with the key that seals labels; made if it is missing. Who loses
            it loses the labels, and who has it and the folder has them.
        limits : Limits, optional

        Raises
        ------
        UsageError
            If the folder is a board already, or the key lies in it or can be read by others.
        WriteError
            If either cannot be written.
        """
        limits = limits or Limits()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise WriteError(f"Cannot make the board {folder}: {error.strerror}") from error
        log = AttemptLog(folder / "board.sqlite")
        secret = make_board_key(key, folder)
        log.create()
        with log.writing() as writing:
            writing.set("key", secret.identity)
            writing.set("attempts", str(limits.model))
            writing.set("attempts_of_key", str(limits.key))
            writing.set("open_to_all", str(int(limits.open_to_all)))
        return cls(folder, secret, limits)

    @classmethod
    def open(
        cls,
        folder: Path,
        key: Path,
        *,
        threads: int = 1,
        clock: Callable[[], datetime] = _now,
    ) -> Board:
        """Open a board.

        Parameters
        ----------
        folder, key : Path
            As of `init`.
        threads : int
            For scoring; no number depends on it.
        clock : callable
            Gives the time, UTC.

        Raises
        ------
        UsageError
            If there is no board, or the key is not its own.
        """
        log = AttemptLog(folder / "board.sqlite")
        log.check()
        secret = read_board_key(key, folder)
        with log.reading() as reading:
            identity = reading.setting("key")
            names = ("attempts", "attempts_of_key", "open_to_all")
            model, of_key, is_open = (int(reading.setting(name) or 0) for name in names)
        if identity != secret.identity:
            raise UsageError(f"{key}: not the key of the board {folder}")
        return cls(folder, secret, Limits(model, of_key, bool(is_open)), threads, clock)

    def admit(self, key: str, names: Sequence[str] = ()) -> None:
        """Vouch for a submitter's key: it is another party than all other keys.

        Parameters
        ----------
        key : str
            Public half, as ``genomark submit`` prints it.
        names : sequence of str
            Of models, that are the key's from now on; then it submits under no other. Asked
            again, more names are added.

        Raises
        ------
        UsageError
            If it is no key, or a name is none or belongs to another key; then nothing is changed.
        """
        check_key(key)
        with self._log.writing() as log:
            log.invite(key)
            for name in names:
                check_name(name)
                owner = log.owner(name)
                if owner is not None and owner != (name, key):
                    raise UsageError(
                        f"The name '{owner[0]}' belongs to the key {owner[1]} on this board"
                    )
                log.own(name, key)
            if names:
                log.bind(key)

    def add(
        self,
        benchmark: str,
        table: TestTable,
        *,
        version: str | None = None,
        private_share: float = 0.5,
        step: float | None = None,
    ) -> Hosted:
        """Host a benchmark: seal its labels, and choose in secret what is scored at the end.

        Parameters
        ----------
        benchmark : str
            As bundles name it.
        version : str, optional
            Likewise; when not given that of the benchmark of this name, or 1.
        table : TestTable
            Of `read_test_table` or `read_test_split`.
        private_share : float
            Of the clusters.
        step : float, optional
            Of the Ladder; by default about half the noise of a rank correlation.

        Raises
        ------
        UsageError
            If it is hosted already, or cannot be parted and scored.
        """
        with self._log.reading() as log:
            _refuse_hosted(log, benchmark)
        hosted = host(self._hosting, self._key, benchmark, version, table, private_share, step)
        with self._log.writing() as log:
            _refuse_hosted(log, benchmark)
            log.add_benchmark(benchmark, hosted.version, msgspec.json.encode(hosted))
        return hosted

    def receive(self, bundle: Path | bytes) -> Receipt:
        """Verify a bundle, score it, write it down, and answer.

        Parameters
        ----------
        bundle : Path or bytes
            What `genomark submit` wrote, or anything else.

        Returns
        -------
        Receipt
            Holds no label, and nothing of single items. What it tells of the score, the Ladder
            decides. A bundle that is refused is in the log, and nowhere else.

        Raises
        ------
        WriteError
            If the board cannot write; then the bundle was not counted.
        UsageError
            If there is no such file.
        """
        received = stamp(self._clock())
        content = _read(bundle)
        verified: Bundle | None = None
        try:
            verified = open_bundle(content)
            return self._accept(verified, content, received)
        except RefusedError as refusal:
            return self._refuse(sha256(content), verified, refusal, received)

    def answered(self, bundle: Bundle) -> Receipt | None:
        """Answer once more for a bundle that was scored, if whoever asked was cut off.

        Parameters
        ----------
        bundle : Bundle

        Returns
        -------
        Receipt or None
            As things stand now; None if it was not scored.
        """
        with self._log.reading() as log:
            attempt = log.scored(bundle.digest)
            if attempt is None:
                return None
            hosted = self._hosted(log, bundle.manifest.benchmark.id)
            received, improved = attempt
            return self._receipt(log, hosted, bundle, received, improved=improved)

    def hosted(self) -> dict[str, Hosted]:
        """Give all benchmarks that are not closed, by id."""
        with self._log.reading() as log:
            known = [
                msgspec.json.decode(record, type=Hosted)
                for record, frozen in log.benchmarks()
                if frozen is None
            ]
        return {each.id: each for each in known}

    def status(self) -> BoardStatus:
        """Sum up benchmarks, models, attempts and what is nearly the same."""
        with self._log.reading() as log:
            return board_status(log, self._limits, stamp(self._clock()))

    def freeze(
        self, benchmark: str, progress: Callable[[int, int, str], None] | None = None
    ) -> FinalScores:
        """Close a benchmark, score both shares, and write ``final/BENCHMARK.json``.

        Of each model what was last released counts, or else its last attempt. To freeze again
        writes the same file.

        Parameters
        ----------
        benchmark : str
        progress : callable, optional
            Told how many models are scored, of how many, and which is next.

        Raises
        ------
        UsageError
            If it is not hosted.
        """
        with self._log.writing() as log:
            hosted = self._hosted(log, benchmark)
            log.freeze(benchmark, stamp(self._clock()))
        with self._log.reading() as log:
            final = final_scores(
                log,
                hosted,
                self._referee(hosted),
                lambda digest: self._kept(hosted, digest),
                progress,
            )
        write_whole(self._folder / "final" / f"{hosted.folder}.json", document(final))
        return final

    @property
    def _hosting(self) -> Path:
        return self._folder / "benchmarks"

    def _hosted(self, log: Reading, benchmark: str) -> Hosted:
        found = log.benchmark(benchmark)
        if found is None:
            known = ", ".join(self._known(log)) or "none"
            raise UsageError(f"No benchmark '{benchmark}' on this board. Known: {known}")
        return msgspec.json.decode(found[0], type=Hosted)

    def _known(self, log: Reading) -> list[str]:
        return [msgspec.json.decode(record, type=Hosted).id for record, _ in log.benchmarks()]

    def _asked(self, log: Reading, bundle: Bundle) -> Hosted:
        named = bundle.manifest.benchmark
        try:
            hosted = self._hosted(log, named.id)
        except UsageError as error:
            raise RefusedError(str(error)) from error
        if named.version != hosted.version:
            raise RefusedError(
                f"'{named.id}' is version {hosted.version} here, and the bundle is of version "
                f"{named.version}; run it again with that version"
            )
        return hosted

    def _referee(self, hosted: Hosted) -> Referee:
        if hosted.id not in self._referees:
            self._referees[hosted.id] = referee_of(self._hosting, self._key, hosted, self._threads)
        return self._referees[hosted.id]

    def _decoded(self, hosted: Hosted, bundle: Bundle) -> Floats:
        ids = items_path(self._hosting, hosted)
        return decode_predictions(bundle.predictions, ids, hosted.items, tuple(hosted.labels))

    def _kept(self, hosted: Hosted, digest: str) -> Floats:
        """Decode a bundle that was scored once more."""
        path = self._bundle_path(digest)
        content = _read(path)
        if sha256(content) != digest:
            raise GenomarkError(f"{path} was changed; restore it from a copy of the board")
        return self._decoded(hosted, open_bundle(content))

    def _bundle_path(self, digest: str) -> Path:
        return self._folder / "received" / f"{digest}.zip"

    def _accept(self, bundle: Bundle, content: bytes, received: str) -> Receipt:
        check_times(bundle, received)
        with self._log.reading() as log:
            hosted = self._asked(log, bundle)
            # Before any work is done for it; what counts is asked again below.
            admit(log, bundle, self._limits, received)
        prediction = self._decoded(hosted, bundle)
        refuse_constant(prediction, hosted.labels)
        headline = self._referee(hosted).headline(prediction, private=False)
        drawn = sketch(prediction, self._key.seed(f"sketch of {hosted.id} {hosted.version}"))
        with self._log.writing() as log:
            admit(log, bundle, self._limits, received)
            improved = count_attempt(log, self._key, hosted, bundle, headline, drawn, received)
            write_whole(self._bundle_path(bundle.digest), content)
            return self._receipt(log, hosted, bundle, received, improved=improved)

    def _receipt(
        self, log: Reading, hosted: Hosted, bundle: Bundle, received: str, *, improved: bool
    ) -> Receipt:
        manifest = bundle.manifest
        name = manifest.model.name
        left, following = attempts_left(
            log, hosted.id, name, manifest.public_key, self._limits, received
        )
        standing = log.standing(hosted.id, name)
        return Receipt(
            schema=RECEIPT_SCHEMA,
            received=received,
            bundle=bundle.digest,
            accepted=True,
            benchmark=hosted.id,
            benchmark_version=hosted.version,
            model=name,
            attempt=log.count(hosted.id, name),
            attempts_left=left,
            next_attempt=following,
            improved=improved,
            released=msgspec.json.decode(standing[1], type=Figure) if standing else None,
        )

    def _refuse(
        self, digest: str, bundle: Bundle | None, refusal: RefusedError, received: str
    ) -> Receipt:
        reason = str(refusal)
        manifest = bundle.manifest if bundle is not None else None
        benchmark = manifest.benchmark.id if manifest else None
        model = manifest.model.name if manifest else None
        with self._log.writing() as log:
            log.record(
                Attempt(
                    received=received,
                    outcome="refused",
                    bundle=digest,
                    benchmark=benchmark,
                    model=model,
                    key=manifest.public_key if manifest else None,
                    nonce=manifest.nonce if manifest else None,
                    reason=reason,
                    decoded=isinstance(refusal, RefusedPredictionsError),
                )
            )
        return Receipt(
            schema=RECEIPT_SCHEMA,
            received=received,
            bundle=digest,
            accepted=False,
            reason=reason,
            benchmark=benchmark,
            benchmark_version=manifest.benchmark.version if manifest else None,
            model=model,
        )


def _refuse_hosted(log: Reading, benchmark: str) -> None:
    if log.benchmark(benchmark) is not None:
        raise UsageError(f"'{benchmark}' is on this board already; its labels stay as they are")


def _read(bundle: Path | bytes) -> bytes:
    """Read no more than a bundle may have."""
    if isinstance(bundle, bytes):
        return bundle
    try:
        if not bundle.is_file():
            raise UsageError(f"{bundle}: no such file; expected a bundle of genomark submit")
        with bundle.open("rb") as file:
            return file.read(LARGEST_BUNDLE + 1)
    except OSError as error:
        raise UsageError(f"{bundle}: cannot be read ({error.strerror})") from error
