"""Finding residents by whatever a clerk has in hand, a page at a time.

Order and paging follow one index of the criterion that narrows most, so that the cost of a page does not
grow with the city. People under a support measure are found by who they are, never by where they live
or how they are reached, unless the reader holds the stricter right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from yvaxportal.models.codes import ResidentCategory, Sex
from yvaxportal.models.dose import Dose
from yvaxportal.models.resident import Resident, ResidentContact, ResidentName
from yvaxportal.models.ticket import Ticket
from yvaxportal.services.search_terms import SearchTerms
from yvaxportal.values.checkdigits import OcrLine
from yvaxportal.values.wareki import PartialDate

PAGE_SIZE = 50
_LAST_CODE_POINT = 0x10FFFF
_BEFORE_SURROGATES = 0xD7FF
_AFTER_SURROGATES = 0xE000


@dataclass(frozen=True, slots=True)
class Sight:
    """What the reader may see of where people live: ``contact`` of anybody, ``protected`` under a measure."""

    contact: bool
    protected: bool

    def sees_address_of(self, *, protected_person: bool) -> bool:
        """Tell whether the address of such a person may be shown."""
        return self.protected if protected_person else self.contact


@dataclass(frozen=True, slots=True)
class FoundResident:
    """One line of a result. ``current_address`` is None where it is withheld or unknown."""

    cursor: int
    atena_number: str
    name: str
    name_kana: str | None
    alias_name: str | None
    name_alphabet: str | None
    date_of_birth_written: str
    sex: Sex
    resident_category: ResidentCategory
    support_measure_flag: bool
    household_number: str
    current_address: str | None


@dataclass(frozen=True, slots=True)
class ResultPage:
    """A page of results; ``next_cursor`` is None on the last page."""

    people: Sequence[FoundResident]
    next_cursor: int | None
    by_address_instead: bool = False


def find_residents(
    session: Session,
    terms: SearchTerms,
    *,
    city_prefixes: Sequence[str],
    sight: Sight,
    after: int | None = None,
    limit: int = PAGE_SIZE,
) -> ResultPage:
    """Return one page of the residents that match all of ``terms``.

    :param city_prefixes: folded address beginnings that clerks leave out ("鳥取県", "鳥取県米子市").
    :param sight: whose addresses may be searched and shown.
    :param after: ``next_cursor`` of the page before; an unknown one gives an empty page.
    """
    page = _page(session, terms, city_prefixes, sight=sight, after=after, limit=limit)
    if not page.people and after is None and terms.names and terms.maybe_address and not terms.address:
        instead = replace(terms, names="", address=terms.maybe_address)
        page = _page(session, instead, city_prefixes, sight=sight, after=after, limit=limit)
        return replace(page, by_address_instead=bool(page.people))
    return page


def prefix_range(column: Any, prefix: str) -> ColumnElement[bool]:
    """Return "column begins with prefix" as a range that an index in code-point order answers."""
    return and_(column >= prefix, column < _after_prefix(prefix))


def _after_prefix(prefix: str) -> str:
    last = ord(prefix[-1])
    if last == _LAST_CODE_POINT:
        return _after_prefix(prefix[:-1])
    following = _AFTER_SURROGATES if last == _BEFORE_SURROGATES else last + 1
    return prefix[:-1] + chr(following)


def _birth(column: Any, birth: PartialDate) -> ColumnElement[bool]:
    """Match what the register may have written: the day asked for, or the same with parts unknown."""
    if birth.month is None:
        return and_(column >= f"{birth.year:04}-00-00", column <= f"{birth.year:04}-99-99")
    if birth.day is None:
        written = f"{birth.year:04}-{birth.month:02}"
        return or_(
            and_(column >= f"{written}-00", column <= f"{written}-99"),
            column == f"{birth.year:04}-00-00",
        )
    possible = [str(birth), f"{birth.year:04}-{birth.month:02}-00", f"{birth.year:04}-00-00"]
    return or_(*(column == written for written in possible))


def _page(
    session: Session,
    terms: SearchTerms,
    city_prefixes: Sequence[str],
    *,
    sight: Sight,
    after: int | None,
    limit: int,
) -> ResultPage:
    conditions = _conditions(terms, city_prefixes, sight)
    statement = (
        _by_name(terms, conditions, after) if terms.names else _by_resident(terms, conditions, after)
    ).limit(limit + 1)
    rows: Sequence[Sequence[Any]] = session.execute(statement).all()
    people = [_found(row, sight) for row in rows]
    more = len(people) > limit
    people = people[:limit]
    return ResultPage(people, people[-1].cursor if more else None)


def _found(row: Sequence[Any], sight: Sight) -> FoundResident:
    person = FoundResident(*row)
    if sight.sees_address_of(protected_person=person.support_measure_flag):
        return person
    return replace(person, current_address=None)


_COLUMNS = (
    Resident.atena_number,
    Resident.name,
    Resident.name_kana,
    Resident.alias_name,
    Resident.name_alphabet,
    Resident.date_of_birth_written,
    Resident.sex,
    Resident.resident_category,
    Resident.support_measure_flag,
    Resident.household_number,
    ResidentContact.current_address,
)


def _by_name(
    terms: SearchTerms, conditions: list[ColumnElement[bool]], after: int | None
) -> Select[*tuple[Any, ...]]:
    """Walk the name index; a person found by several names appears once, under the first of them."""
    earlier = aliased(ResidentName)
    position = tuple_(ResidentName.key, ResidentName.id)
    statement = (
        select(ResidentName.id, *_COLUMNS)
        .join(Resident, Resident.id == ResidentName.resident_id)
        .outerjoin(ResidentContact, ResidentContact.resident_id == Resident.id)
        .where(
            prefix_range(ResidentName.key, terms.names),
            ~exists().where(
                earlier.resident_id == ResidentName.resident_id,
                prefix_range(earlier.key, terms.names),
                tuple_(earlier.key, earlier.id) < position,
            ),
            *conditions,
        )
        .order_by(ResidentName.key, ResidentName.id)
    )
    if terms.birth is not None:
        statement = statement.where(_birth(ResidentName.date_of_birth_written, terms.birth))
    if after is not None:
        start = aliased(ResidentName)
        here = select(start.key, start.id).where(start.id == after).scalar_subquery()
        statement = statement.where(position > here)
    return statement


def _by_resident(
    terms: SearchTerms, conditions: list[ColumnElement[bool]], after: int | None
) -> Select[*tuple[Any, ...]]:
    statement = (
        select(Resident.id, *_COLUMNS)
        .outerjoin(ResidentContact, ResidentContact.resident_id == Resident.id)
        .where(*conditions)
        .order_by(Resident.id)
    )
    if terms.birth is not None:
        statement = statement.where(_birth(Resident.date_of_birth_written, terms.birth))
    if after is not None:
        statement = statement.where(Resident.id > after)
    return statement


def _reachable(sight: Sight) -> list[ColumnElement[bool]]:
    """Return who may be found by address or phone: those whose contact the reader may see."""
    reachable: list[ColumnElement[bool]] = []
    if not sight.protected:
        reachable.append(Resident.support_measure_flag.is_(False))
    if not sight.contact:
        reachable.append(Resident.support_measure_flag.is_(True))
    return reachable


def _on_ticket(line: OcrLine) -> list[ColumnElement[bool]]:
    """Return whose ticket has this line, or who has a dose under its number in its municipality."""
    return [
        Resident.id.in_(
            select(table.resident_id).where(
                table.ticket_number == line.ticket_number,
                table.municipality_code == line.municipality_code,
            )
        )
        for table in (Ticket, Dose)
    ]


def _conditions(
    terms: SearchTerms,
    city_prefixes: Sequence[str],
    sight: Sight,
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    visible = _reachable(sight)
    reached: list[ColumnElement[bool]] = []
    if terms.numbers:
        reached.append(Resident.atena_number.in_(terms.numbers))
        reached.append(Resident.business_atena_number.in_(terms.numbers))
    if terms.ticket_line is not None:
        reached += _on_ticket(terms.ticket_line)
    if terms.ticket_numbers:
        reached.append(
            Resident.id.in_(select(Ticket.resident_id).where(Ticket.ticket_number.in_(terms.ticket_numbers))),
        )
        reached.append(
            Resident.id.in_(select(Dose.resident_id).where(Dose.ticket_number.in_(terms.ticket_numbers))),
        )
    if terms.phone:
        phones = select(ResidentContact.resident_id).where(ResidentContact.phone_key == terms.phone)
        reached.append(and_(Resident.id.in_(phones), *visible))
    if reached:
        conditions.append(or_(*reached))
    if terms.address:
        ranges = [
            prefix_range(ResidentContact.address_key, prefix + terms.address)
            for prefix in ("", *city_prefixes)
        ]
        conditions.append(and_(or_(*ranges), *visible))
    return conditions
