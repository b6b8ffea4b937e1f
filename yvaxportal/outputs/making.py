"""What a maker gets and gives: the seam between the gate and whatever makes the content of a file."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from yvaxportal.audit.trail import AuditTrail
from yvaxportal.outputs.layouts import Layout
from yvaxportal.outputs.press import LetterPress


class MakingError(Exception):
    """The file cannot be made. ``kind`` is a key of ``views.outputs.PROBLEMS``.

    ``detail`` is kept and shown: counts, row numbers, code points; nothing personal.
    """

    def __init__(self, kind: str, detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.detail = dict(detail) if detail is not None else None


@dataclass(frozen=True, slots=True)
class Made:
    """A finished plain file inside ``Work.folder``; the gate checks, encrypts and removes it.

    :param file_name: its name inside the archive; nothing personal.
    :param source_files: what the file was typeset from, where its own bytes cannot be searched for a personal
        number (a PDF): these are searched with it (M26).
    :param settle: writes what follows from the file being there, in the transaction that says so: both or
        neither. It may raise ``MakingError``.
    """

    path: Path
    file_name: str
    source_files: tuple[Path, ...] = ()
    settle: Callable[[Session, AuditTrail], None] | None = None


@dataclass
class Work:
    """One file being made.

    :param session: of a read-only transaction that sees one moment of the database; a maker writes nothing.
    :param subject: what the file is made of, as it was asked for.
    :param folder: private and temporary; whatever happens, it is removed.
    :param today: the day in Japan on which the file is made.
    :param press: what letters are printed with; None where the worker was given none.
    :param report: tells the page how far it is, and raises ``job_report.Cancelled``.
    """

    session: Session
    output_id: int
    layout: Layout
    subject: Mapping[str, Any]
    folder: Path
    now: datetime
    today: date
    report: Callable[[int, int | None], None]
    press: LetterPress | None = None
    registered: set[int] = field(default_factory=set)

    def progress(self, done: int, total: int | None = None) -> None:
        """Say that ``done`` of ``total`` are in the file; cheap enough to be called for every row.

        :raises Cancelled: nobody wants the file any more: leave at once.
        """
        self.report(done, total)

    def person(self, resident_id: int) -> None:
        """Register that somebody's data is in the file (M16); once or often."""
        self.registered.add(resident_id)

    def people(self, resident_ids: Iterable[int]) -> None:
        """Register several people at once."""
        self.registered.update(resident_ids)

    def id_of(self, name: str) -> int:
        """Return an id of the subject.

        :raises MakingError: ``subject``: it names none.
        """
        value = self.subject.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise MakingError("subject")
        return value


Maker = Callable[[Work], Made]
