"""The process that scores one submission; its order comes on standard input.

It takes no more memory and processor time than it is told, and it ends with the server that
started it: standard input stays open as long as that one lives.
"""

from __future__ import annotations

import logging
import os
import resource
import signal
import sys
import threading
from pathlib import Path

import msgspec

from genomark.errors import GenomarkError, one_line
from genomark.leaderboard.submissions.scorer import Hosting, Scorer
from genomark.leaderboard.submissions.waiting_list import Row

#: Exit statuses: it may work another time; it needs more memory than there is.
AGAIN, NO_MEMORY = 75, 77
_LONGEST_ORDER = 1 << 20


class Order(msgspec.Struct, frozen=True):
    """What is to be done, in a line of JSON; it may hold a password, so it is no argument.

    Attributes
    ----------
    place : str
        Of the store.
    files : str or None
        Of the store's files, where the place does not tell.
    incoming : str
        Folder.
    row : Row
        As it was claimed.
    hosting : Hosting or None
    memory : int
        Bytes of address space.
    seconds : int
        Of processor time.
    """

    place: str
    files: str | None
    incoming: str
    row: Row
    hosting: Hosting | None
    memory: int
    seconds: int


def main() -> int:
    """Score, and give the exit status."""
    order = msgspec.json.decode(sys.stdin.buffer.readline(_LONGEST_ORDER), type=Order)
    threading.Thread(target=_end_with_server, daemon=True).start()
    resource.setrlimit(resource.RLIMIT_AS, (order.memory, order.memory))
    resource.setrlimit(resource.RLIMIT_CPU, (order.seconds, order.seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    try:
        _score(order)
    except MemoryError:
        return NO_MEMORY
    except GenomarkError as error:
        sys.stderr.write(one_line(error))
        return AGAIN
    return 0


def _score(order: Order) -> None:
    from genomark.leaderboard.submissions.incoming import Incoming
    from genomark.results.store import Store

    with Store.open(order.place, order.files, create=False) as store:
        Scorer(store, Incoming(Path(order.incoming)), order.hosting).score(order.row)


def _end_with_server() -> None:
    sys.stdin.buffer.read()
    os.killpg(os.getpgid(0), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
