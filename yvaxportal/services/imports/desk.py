"""What people do with a file of doses before and after its rows are judged: hand in, map, ask for runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import ImportState, Outcome
from yvaxportal.models.imports import ImportBatch, ImportMapping, ImportProgress, ImportRow
from yvaxportal.services.imports.bureau import Bureau
from yvaxportal.services.imports.encodings import Found
from yvaxportal.services.imports.layouts import Layout
from yvaxportal.services.imports.personal_numbers import PersonalNumberFoundError, guard
from yvaxportal.services.imports.records import Record, delimiter_of, lines_of
from yvaxportal.services.imports.source import FileKind, FileRefusedError, opened, preview
from yvaxportal.services.imports.store import pieces, receive, wipe
from yvaxportal.services.imports.suggestions import headings_digest, missing, suggest

_LONGEST_NAME = 200
_ZIP = b"PK\x03\x04"
LISTED = 50


@dataclass(frozen=True, slots=True)
class Sender:
    """Who hands a file in."""

    staff_id: int
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """The beginning of a file in one encoding: headings, a few records, and what is suggested for them."""

    headings: Sequence[str]
    records: Sequence[Record]
    suggested: Mapping[str, int]
    missing: Sequence[str]


class NotNowError(Exception):
    """The batch is not in the state in which this can be done; somebody else was faster."""


def hand_in(
    session: Session,
    audit: AuditTrail,
    bureau: Bureau,
    *,
    layout: str,
    file_name: str,
    file: IO[bytes],
    sender: Sender,
    now: datetime,
) -> ImportBatch:
    """Take a file: seal it, find its format and encoding, read its headings, suggest a mapping.

    The batch comes back ``uploaded``, or ``refused`` and wiped, with the cause, when nothing can come of it.
    """
    found = bureau.layouts[layout]
    batch = ImportBatch(
        layout=layout,
        file_name=file_name[-_LONGEST_NAME:].replace("\x00", "\N{SYMBOL FOR NULL}"),
        sha256="",
        size=0,
        format="csv",
        encodings=[],
        encoding=None,
        headings=[],
        mapping={},
        owner_groups=",".join(sender.groups),
        uploaded_by=sender.staff_id,
        uploaded_at=now,
        state=ImportState.UPLOADED,
        facts={},
        counts={},
    )
    session.add(batch)
    session.flush()
    received = receive(session, bureau.ring, batch.id, file)
    batch.sha256, batch.size = received.sha256, received.size
    audit.record(
        Action.IMPORT_UPLOADED,
        subject=f"import:{batch.id}",
        detail={"layout": layout, "size": received.size},
    )
    try:
        _find_format(session, bureau, batch, found, received.encodings)
        look = look_into(session, bureau, batch)
    except PersonalNumberFoundError as number:
        _refuse(
            session,
            audit,
            batch,
            code="personal_number",
            facts={"line": number.line, "column": number.column},
            now=now,
        )
    except FileRefusedError as refused:
        _refuse(session, audit, batch, code=refused.code, facts=refused.facts, now=now)
    else:
        batch.headings, batch.mapping = list(look.headings), dict(look.suggested)
    session.flush()
    return batch


def _refuse(
    session: Session,
    audit: AuditTrail,
    batch: ImportBatch,
    *,
    code: str,
    facts: Mapping[str, object],
    now: datetime,
) -> None:
    batch.state, batch.refusal, batch.facts = ImportState.REFUSED, code, dict(facts)
    batch.headings, batch.mapping = [], {}
    if code == "personal_number":
        # A digest of few unknown digits tells them to whoever tries them all.
        batch.sha256 = ""
    session.flush()
    subject = f"import:{batch.id}"
    detail = {"cause": code, **facts}
    audit.record(Action.IMPORT_REFUSED, subject=subject, outcome=Outcome.REFUSED, detail=detail)
    wipe(session, batch.id, now)
    session.refresh(batch)
    audit.record(Action.IMPORT_WIPED, subject=subject, detail={"cause": code})


def _find_format(
    session: Session, bureau: Bureau, batch: ImportBatch, layout: Layout, encodings: Sequence[Found]
) -> None:
    if not batch.size:
        raise FileRefusedError("empty_file")
    head = next(pieces(session, bureau.ring, batch.id), b"")
    if head.startswith(_ZIP):
        batch.format, batch.encoding = "xlsx", None
    else:
        batch.encodings = [
            {"encoding": one.encoding, "sure": one.sure, "mark": one.mark, "broken": one.broken}
            for one in encodings
        ]
        batch.encoding = encodings[0].encoding if encodings[0].sure else None
        batch.format = _text_format(head, encodings[0].encoding, layout)
    if batch.format not in layout.formats:
        raise FileRefusedError("format_not_of_layout", found=batch.format)
    if batch.encoding is not None and batch.encoding not in layout.encodings:
        raise FileRefusedError("encoding_not_of_layout", found=batch.encoding)


def _text_format(head: bytes, encoding: str, layout: Layout) -> str:
    first = next((line.text for line in lines_of((head,), encoding) if line.text), "")
    if "fixed" in layout.formats and not ("," in first or "\t" in first):
        return "fixed"
    return delimiter_of(first)


def look_into(session: Session, bureau: Bureau, batch: ImportBatch, encoding: str | None = None) -> Looked:
    """Read the beginning of a file.

    :param encoding: how to read it; None for what was settled, or else the likeliest.
    :raises PersonalNumberFoundError: there is one in what was read.
    :raises FileRefusedError: nothing can be read.
    """
    layout = bureau.layouts[batch.layout]
    likely = batch.encodings[0]["encoding"] if batch.encodings else "utf-8"
    kind = FileKind(batch.id, batch.format, encoding or batch.encoding or likely)
    with opened(session, bureau.ring, kind, layout) as file:
        records = preview(file)
        headings = list(file.headings)
    for line, cells in ((1, headings), *((record.line, record.cells) for record in records)):
        guard(line, cells)
    suggested = dict(suggest(layout, headings, by_order=batch.format == "fixed"))
    saved = session.scalar(
        select(ImportMapping.mapping).where(
            ImportMapping.layout == layout.code, ImportMapping.headings_sha256 == headings_digest(headings)
        )
    )
    if saved is not None:
        suggested = dict(saved)
    return Looked(headings, records, suggested, missing(layout, suggested))


def ask_for_check(
    session: Session,
    audit: AuditTrail,
    bureau: Bureau,
    batch_id: int,
    *,
    encoding: str | None,
    mapping: Mapping[str, int],
    staff_id: int,
    now: datetime,
) -> Sequence[str]:
    """Settle encoding and mapping and let the rows be judged; return the slots that are missing.

    Nothing is done while a slot is missing. What was settled is remembered for files with these headings.

    :raises NotNowError: the batch is past this.
    """
    batch = _locked(session, batch_id, ImportState.UPLOADED, ImportState.CHECKED)
    layout = bureau.layouts[batch.layout]
    if lacking := missing(layout, mapping):
        return lacking
    batch.encoding, batch.mapping = encoding, dict(mapping)
    if batch.headings:
        digest = headings_digest(batch.headings)
        session.execute(
            delete(ImportMapping).where(
                ImportMapping.layout == layout.code, ImportMapping.headings_sha256 == digest
            )
        )
        session.add(
            ImportMapping(
                layout=layout.code,
                headings_sha256=digest,
                mapping=dict(mapping),
                encoding=encoding,
                saved_by=staff_id,
                saved_at=now,
            )
        )
    _begin(session, batch, ImportState.CHECKING, now)
    audit.record(Action.IMPORT_CHECKED, subject=f"import:{batch_id}", detail={"asked": True})
    return ()


def ask_for_apply(
    session: Session, audit: AuditTrail, batch_id: int, *, staff_id: int, now: datetime
) -> None:
    """Let the rows that are ready or decided be applied; NotNowError when that cannot be now."""
    batch = _locked(session, batch_id, ImportState.CHECKED, ImportState.APPLIED)
    batch.applied_by = staff_id
    _begin(session, batch, ImportState.APPLYING, now)
    audit.record(Action.IMPORT_APPLIED, subject=f"import:{batch_id}", detail={"asked": True})


def ask_for_undo(
    session: Session,
    audit: AuditTrail,
    batch_id: int,
    *,
    staff_id: int,
    reason: str,
    partly: bool,
    now: datetime,
) -> None:
    """Let an import be taken back; ``partly``: leave alone what something depends on."""
    batch = _locked(session, batch_id, ImportState.APPLIED)
    batch.undone_by, batch.undo_reason = staff_id, reason
    batch.problem, batch.facts = None, {"undo_partly": True} if partly else {}
    _begin(session, batch, ImportState.UNDOING, now)
    audit.record(Action.IMPORT_UNDONE, subject=f"import:{batch_id}", detail={"asked": True, "reason": reason})


def withdraw(session: Session, audit: AuditTrail, batch_id: int, *, now: datetime) -> None:
    """Give up a file of which nothing was applied: the file and its rows are removed."""
    batch = _locked(session, batch_id, ImportState.UPLOADED, ImportState.CHECKED, ImportState.REFUSED)
    applied = session.scalar(
        select(func.count())
        .select_from(ImportRow)
        .where(ImportRow.batch_id == batch_id, ImportRow.outcome.is_not(None))
    )
    if applied:
        raise NotNowError
    session.execute(delete(ImportRow).where(ImportRow.batch_id == batch_id))
    batch.state = ImportState.WITHDRAWN
    session.flush()
    wipe(session, batch_id, now)
    session.refresh(batch)
    audit.record(Action.IMPORT_WITHDRAWN, subject=f"import:{batch_id}")


def ask_for_end(session: Session, batch_id: int) -> None:
    """Ask a run to stop at its next lot; what it did is rolled back."""
    session.execute(
        update(ImportProgress).where(ImportProgress.batch_id == batch_id).values(cancel_requested=True)
    )


def same_file(session: Session, batch: ImportBatch) -> Sequence[int]:
    """Return the other batches of the very same file, newest first."""
    if not batch.sha256:
        return []
    return session.scalars(
        select(ImportBatch.id)
        .where(ImportBatch.sha256 == batch.sha256, ImportBatch.id != batch.id)
        .order_by(ImportBatch.id.desc())
        .limit(LISTED)
    ).all()


def batches(
    session: Session, *, before: int | None, only_of: int | None, states: Sequence[ImportState] = ()
) -> Sequence[ImportBatch]:
    """Return up to 50 batches and one more, newest first; ``only_of``: one sender's own (M44)."""
    query = select(ImportBatch).order_by(ImportBatch.id.desc()).limit(LISTED + 1)
    if before is not None:
        query = query.where(ImportBatch.id < before)
    if only_of is not None:
        query = query.where(ImportBatch.uploaded_by == only_of)
    if states:
        query = query.where(or_(*(ImportBatch.state == state for state in states)))
    return session.scalars(query).all()


def _locked(session: Session, batch_id: int, *states: ImportState) -> ImportBatch:
    batch = session.get_one(ImportBatch, batch_id, with_for_update=True, populate_existing=True)
    if batch.state not in states:
        raise NotNowError
    return batch


def _begin(session: Session, batch: ImportBatch, state: ImportState, now: datetime) -> None:
    batch.state = state
    batch.problem = None
    session.flush()
    session.execute(delete(ImportProgress).where(ImportProgress.batch_id == batch.id))
    session.add(
        ImportProgress(
            batch_id=batch.id, phase="waiting", done=0, total=None, cancel_requested=False, updated_at=now
        )
    )
    session.flush()
