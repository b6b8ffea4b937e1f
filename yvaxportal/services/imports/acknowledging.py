"""The acknowledgement: for each row what became of it, for whoever sent the file, and nothing about anybody.

A row is named by its line and by what the sender wrote there as the person's number; of the register it says
nothing: that a birth date differs, or who was found instead, is for the municipality alone.
"""

import csv
import io
from collections.abc import Callable, Iterator

from sqlalchemy.orm import Session

from yvaxportal.models.codes import ImportDecision, ImportOutcome
from yvaxportal.models.codes import ImportRowState as State
from yvaxportal.services.imports.parsing import Reason
from yvaxportal.services.imports.queue import rows_page
from yvaxportal.services.imports.rows import StoredRow

HEADINGS = ("line", "part", "number", "result", "reason")
_LOT = 2_000
# What a spreadsheet would take for a formula (OWASP: CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_OUTCOMES = {
    ImportOutcome.RECORDED: "recorded",
    ImportOutcome.LINKED: "already_there",
    ImportOutcome.REPLACED: "recorded",
    ImportOutcome.UNDONE: "undone",
}


def result_of(row: StoredRow) -> str:
    """Return what the sender is told.

    One of recorded, already_there, undone, refused, returned, unreadable, accepted (to be recorded), held.
    """
    if row.outcome is not None:
        return _OUTCOMES[row.outcome]
    if row.decision is ImportDecision.REFUSE:
        return "refused"
    if row.decision is ImportDecision.RETURN:
        return "returned"
    if row.decision is not None or row.state in {State.READY, State.ALREADY_THERE}:
        return "accepted"
    return "unreadable" if row.state is State.UNREADABLE else "held"


def acknowledgement(
    session: Session, batch_id: int, key: str, say: Callable[[str], str], reason: Callable[[Reason], str]
) -> Iterator[bytes]:
    """Give the file, UTF-8 with a mark and CRLF, piece by piece.

    :param key: the field of the person's number; :param say: what results and headings are called;
    :param reason: the words for what the sender wrote wrongly.
    """
    yield "\ufeff".encode() + _line([say(heading) for heading in HEADINGS])
    after = 0
    while rows := rows_page(session, batch_id, state=None, after=after, size=_LOT):
        yield b"".join(_row(row, key, say, reason) for row in rows[:_LOT])
        if len(rows) <= _LOT:
            return
        after = rows[_LOT - 1].number


def _row(row: StoredRow, key: str, say: Callable[[str], str], reason: Callable[[Reason], str]) -> bytes:
    result = result_of(row)
    why = ""
    if result == "unreadable":
        why = " ".join(reason(one) for one in row.reasons)
    elif result in {"refused", "returned"}:
        why = row.decision_reason or ""
    number = row.raw.get(key, "")
    return _line([str(row.line), str(row.part), safe(number), say(result), safe(why)])


def safe(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(cells: list[str]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()
