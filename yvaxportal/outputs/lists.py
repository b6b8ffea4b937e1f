"""Lists of people, of an extraction or behind a figure of a report, as CSV or XLSX.

Streamed, in one query, in the order of delivery.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, SmallInteger, Table, case, false, func, null, or_, select
from sqlalchemy.orm import Session

from yvaxportal.models.codes import ExtractionState, MemberStanding
from yvaxportal.models.dose import Dose
from yvaxportal.models.extraction import ExtractionMember, TargetExtraction
from yvaxportal.models.report import ReportMember, ReportSnapshot
from yvaxportal.models.resident import ForeignResident, Resident, ResidentContact, ResidentNote
from yvaxportal.outputs.layouts import Column, Layout
from yvaxportal.outputs.layouts.columns import Derived
from yvaxportal.outputs.making import Made, MakingError, Work
from yvaxportal.outputs.sheets import open_sheet
from yvaxportal.services.reports.definition import COUNTS, definition_of
from yvaxportal.services.reports.members import cells_of
from yvaxportal.values.ages import age_on

#: Stands where an address would, for people under a support measure.
WITHHELD = "（支援措置：住所等は出力しません）"
_BATCH = 1_000
_TABLES: dict[str, Any] = {
    model.__tablename__: model.__table__
    for model in (Resident, ResidentContact, ForeignResident, ResidentNote)
}
_MEMBER = ExtractionMember.__table__.c
_ON_THE_LIST = (_MEMBER.excluded_by.is_(None), _MEMBER.standing != MemberStanding.REMOVED)
_DOSE, _COUNTED = cast("Table", Dose.__table__).c, cast("Table", ReportMember.__table__).c


def make_list(work: Work) -> Made:
    """Write the list of ``{"extraction": id}`` that ``work.layout`` describes.

    :raises MakingError: ``subject`` (no such extraction), ``withdrawn``, ``unencodable`` with the positions.
    """
    extraction = work.session.get(TargetExtraction, work.id_of("extraction"))
    if extraction is None:
        raise MakingError("subject")
    if extraction.state is ExtractionState.WITHDRAWN:
        raise MakingError("withdrawn")
    people = select(_MEMBER.resident_id, _MEMBER.dose_number, _MEMBER.support_measure).where(
        _MEMBER.extraction_id == extraction.id, *_ON_THE_LIST
    )
    return _written(work, people, extraction.reference_date)


def make_report_people(work: Work) -> Made:
    """Write the people of ``{"snapshot": id, "row": key, "column": key}``, a line for each dose or person.

    :raises MakingError: ``subject`` (no such table or figure), ``unencodable`` with the positions.
    """
    table = work.session.get(ReportSnapshot, work.id_of("snapshot"))
    if table is None:
        raise MakingError("subject")
    definition = definition_of(table.definition)
    column = definition.columns.get(str(work.subject.get("column")))
    if column is None or column.measure not in COUNTS:
        raise MakingError("subject")
    cells = cells_of(work.session, table.id, definition, str(work.subject.get("row")), column.key)
    if not cells:
        raise MakingError("subject")
    of_cells = _COUNTED.cell_id.in_(cells)
    if column.measure == "targets":
        people = select(
            _COUNTED.subject_id.label("resident_id"),
            null().cast(SmallInteger).label("dose_number"),
            false().label("support_measure"),
        ).where(of_cells)
    else:
        people = (
            select(_DOSE.resident_id, _DOSE.dose_number, false().label("support_measure"))
            .join_from(ReportMember.__table__, Dose.__table__, _DOSE.id == _COUNTED.subject_id)
            .where(of_cells)
        )
    return _written(work, people, table.last_day)


def _written(work: Work, people: Select[Any], on: date) -> Made:
    """Write a line for each of ``people`` (resident_id, dose_number, support_measure); ages are of ``on``."""
    layout = work.layout
    total = work.session.scalar(select(func.count()).select_from(people.subquery()))
    path = work.folder / f"list.{layout.format}"
    with open_sheet(path, layout) as sheet:
        sheet.write([column.heading_ja for column in layout.columns])
        for number, row in enumerate(_rows(work.session, layout, people), start=1):
            sheet.write(_cells(layout, row, number, on))
            work.person(row["resident_id"])
            work.progress(number, total)
    return Made(path, f"{layout.code}_{work.today:%Y%m%d}_{work.output_id}.{layout.format}")


def _query(layout: Layout, listed: Select[Any]) -> Select[Any]:
    people = listed.subquery("people")
    resident, contact = _TABLES["resident"].c, _TABLES["resident_contact"].c
    # Whoever is under a support measure now, or was when the list was frozen.
    withheld: ColumnElement[bool] = or_(resident.support_measure_flag, people.c.support_measure)
    wanted = [
        people.c.resident_id,
        people.c.dose_number,
        withheld.label("withheld"),
        resident.date_of_birth_written,
        contact.current_address,
        contact.mailing_address,
        contact.has_mailing_address,
    ]
    wanted += [
        _TABLES[column.table].c[column.column].label(f"c{number}")
        for number, column in enumerate(layout.columns)
        if column.table is not None
    ]
    joined = people.join(Resident.__table__, resident.id == people.c.resident_id)
    for name in ("resident_contact", "foreign_resident", "resident_note"):
        joined = joined.outerjoin(_TABLES[name], _TABLES[name].c.resident_id == people.c.resident_id)
    return (
        select(*wanted)
        .select_from(joined)
        # Withheld people last, by number: among their neighbours their place would tell where they live.
        .order_by(
            withheld,
            case((withheld, None), else_=contact.postal_code),
            case((withheld, None), else_=contact.current_address),
            resident.atena_number,
        )
    )


def _rows(session: Session, layout: Layout, people: Select[Any]) -> Iterator[Any]:
    result = session.execute(_query(layout, people), execution_options={"yield_per": _BATCH})
    yield from result.mappings()


def _cells(layout: Layout, row: Any, number: int, on: date) -> list[Any]:
    return [_cell(column, row, index, number, on) for index, column in enumerate(layout.columns)]


def _cell(column: Column, row: Any, index: int, number: int, on: date) -> Any:
    if column.contact and row["withheld"]:
        return WITHHELD
    if column.derived is None:
        value = column.word(row[f"c{index}"])
        return _as_date(value) if column.column == "date_of_birth_written" else value
    if column.derived is Derived.SEQUENCE:
        return number
    if column.derived is Derived.DOSE_NUMBER:
        return row["dose_number"]
    if column.derived is Derived.AGE:
        return _age(row["date_of_birth_written"], on)
    return row["mailing_address"] if row["has_mailing_address"] else row["current_address"]


def _as_date(written: Any) -> Any:
    """Return a date that is wholly known as one, another as it is written."""
    try:
        return date.fromisoformat(written)
    except (TypeError, ValueError):
        return written


def _age(written: str, on: date) -> int | None:
    born = _as_date(written)
    if not isinstance(born, date) or on < born:
        return None
    return age_on(born, on)
