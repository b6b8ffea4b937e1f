"""The rows of a file on their way from reading to judging: on disk, in the order of their people."""

import hashlib
import pickle
import tempfile
from array import array
from collections.abc import Iterator
from typing import IO, Self

from yvaxportal.services.imports.parsing import Parsed

# Up to this many bytes the rows stay in memory.
_IN_MEMORY = 8 << 20
_HASH_BYTES = 7


class Spool:
    """Takes rows in the order of the file and gives them back person by person.

    Memory grows by a few words a row, not by the row. The file on disk has no name, so nothing is left of it
    when the process ends, however it ends.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - __exit__
        self._places = array("q")
        self._keys = array("q")
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._places)

    def add(self, row: Parsed, key: str) -> None:
        """Keep one row; rows of the same ``key`` are about the same person."""
        data = pickle.dumps((row.line, row.part, row.raw, row.person, row.dose, row.problems, row.notes), 5)
        self._file.write(data)
        self._places.append(self._end)
        self._end += len(data)
        digest = hashlib.blake2b(key.encode(), digest_size=_HASH_BYTES).digest()
        self._keys.append(int.from_bytes(digest, "big"))

    def get(self, number: int) -> Parsed:
        """Return the row with this number, counted from 1."""
        place = self._places[number - 1]
        end = self._places[number] if number < len(self._places) else self._end
        self._file.seek(place)
        # What is read here was written by this very process a moment ago.
        return Parsed(*pickle.loads(self._file.read(end - place)))  # noqa: S301

    def lots(self, size: int) -> Iterator[list[tuple[int, Parsed]]]:
        """Give (number, row) in lots of about ``size``; the rows of one person are never in two lots."""
        keys = self._keys
        order = array("q", sorted(range(len(keys)), key=keys.__getitem__))
        begin = 0
        while begin < len(order):
            end = min(begin + size, len(order))
            while end < len(order) and keys[order[end]] == keys[order[end - 1]]:
                end += 1
            # In the order of the file, so that the disk is read forwards.
            numbers = sorted(order[begin:end])
            yield [(index + 1, self.get(index + 1)) for index in numbers]
            begin = end
