"""The folders of an exchange, what waits in them, and how much of it is accepted."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from yvaxportal.adapters.folder.layouts import Complete, Layouts, Named, Scope
from yvaxportal.adapters.folder.ledger import Standing
from yvaxportal.adapters.folder.writing import UNFINISHED

END = ".end"
_NOT_YET = (UNFINISHED, ".tmp", ".filepart", END)
#: Names get endings of ours; what is longer, or cannot be printed, is left where it is.
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Folders:
    """Where files lie. ``inbox`` and ``ack`` are shared with the other side, the rest is the portal's."""

    root: Path

    @property
    def inbox(self) -> Path:
        return self.root / "in"

    @property
    def ack(self) -> Path:
        return self.root / "ack"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def done(self) -> Path:
        return self.root / "done"

    @property
    def quarantine(self) -> Path:
        return self.root / "quarantine"

    def make(self) -> None:
        """Make those that do not exist; OSError."""
        for folder in (self.inbox, self.ack, self.work, self.done, self.quarantine):
            folder.mkdir(
                parents=True, exist_ok=True, mode=0o770 if folder in {self.inbox, self.ack} else 0o700
            )


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of what is accepted.

    :param refused_percent: a file with more refused lines than this is refused.
    :param smallest_percent: a full file with fewer rows, of those that are known, is refused.
    """

    max_file_bytes: int = 4 << 30
    refused_percent: float = 1.0
    smallest_percent: float = 50.0
    keep: timedelta = timedelta(days=30)


def waiting(folders: Folders, layouts: Layouts) -> list[Path]:
    """Return the files of the other side that are whole: those of no known name first, then by number."""
    found = []
    for path in whole_files(folders.inbox):
        named = layouts.named(path.name)
        by_end_file = named is not None and named[0].complete is Complete.END_FILE
        if by_end_file and not path.with_name(path.name + END).is_file():
            continue
        place = (0, 0, "") if named is None else (1, named[1].sequence, named[1].scope.value)
        found.append((place, path.name, path))
    return [path for *_, path in sorted(found)]


def whole_files(folder: Path) -> Iterator[Path]:
    """Give the files that are not being written, by their names; links and unusable names are left alone."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith(".") or name.endswith(_NOT_YET) or not _is_usable(name):
                continue
            if entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


def must_wait(named: Named, known: Standing | None) -> bool:
    """Tell whether a file waits for another: a difference for the one before it."""
    if named.scope is Scope.FULL:
        return False
    return known is None or named.sequence > known.sequence + 1


def _is_usable(name: str) -> bool:
    return name.isprintable() and len(os.fsencode(name)) <= _LONGEST_NAME
