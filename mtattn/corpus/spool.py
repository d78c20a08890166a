"""Pairs on disk instead of in memory, drawn as often as wanted."""

import tempfile
import weakref
from collections.abc import Iterator
from contextlib import suppress
from itertools import compress
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from mtattn.corpus.pairs import Pair, as_line
from mtattn.errors import OutputError

_CHUNK_BYTES = 1 << 20


def _close(file: IO[bytes]) -> None:
    with suppress(OSError):  # what could not be written was told before
        file.close()


class PairSpool:
    """Pairs in a file without a name: it is gone with this object, and where the program is killed too.

    Args:
        folder: where there is room for them; None = where the system keeps such files.

    Raises:
        OutputError: no file can be written there.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._where = str(folder or tempfile.gettempdir())
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  closed with this object
        except OSError as error:
            raise self._unwritable(error) from error
        weakref.finalize(self, _close, self._file)

    def append(self, pair: Pair) -> None:
        """Keep a pair, normalised, so that no sentence holds a tab or a line end.

        Raises:
            OutputError: there is no room.
        """
        try:
            self._file.write(as_line(pair) + b"\n")
        except OSError as error:
            raise self._unwritable(error) from error

    def lines(self) -> Iterator[bytes]:
        """Draw the pairs as lines, see `as_line`, in the order in which they were kept.

        Raises:
            OutputError: there was no room for the last of them.
        """
        try:
            self._file.flush()
        except OSError as error:
            raise self._unwritable(error) from error
        position, rest = 0, b""
        while True:
            self._file.seek(position)  # another may draw from the same file meanwhile
            chunk = self._file.read(_CHUNK_BYTES)
            if not chunk:
                return
            position += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(f"pairs cannot be kept here ({error.strerror})", where=self._where, fix="make room for them")


class SpooledPairs:
    """Some of the pairs of a spool, in their order.

    Args:
        spool: has all of them.
        chosen: bool (n,), for each pair of the spool whether it is one.
    """

    def __init__(self, spool: PairSpool, chosen: NDArray[np.bool_]) -> None:
        self._spool, self._chosen = spool, chosen
        self._n = int(np.count_nonzero(chosen))  # once: it takes the longer, the more pairs there are

    def __len__(self) -> int:
        return self._n

    def lines(self) -> Iterator[bytes]:
        """Draw them as lines, see `PairSpool.lines`."""
        return compress(self._spool.lines(), self._chosen.tobytes())

    def __iter__(self) -> Iterator[Pair]:
        for line in self.lines():
            src, _, tgt = line.decode().partition("\t")
            yield Pair(src, tgt)
