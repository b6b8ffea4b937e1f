"""Medical institutions (実施医療機関): the look-up while typing, and which one a dose means."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, or_, select
from sqlalchemy.orm import Session

from yvaxportal.models.dose import MedicalInstitution
from yvaxportal.services.dose_draft import Place
from yvaxportal.values.checkdigits import is_institution_code
from yvaxportal.values.kana import fold_name
from yvaxportal.values.text import contains_personal_number
from yvaxportal.values.width import fold_dashes, fold_digits

LISTED = 20

_CODE_DIGITS = 10
_LONGEST = 100
_PLACE = (
    MedicalInstitution.id,
    MedicalInstitution.code,
    MedicalInstitution.name,
    MedicalInstitution.valid_from,
    MedicalInstitution.valid_to,
)


@dataclass(frozen=True, slots=True)
class FoundInstitution:
    """One line of the look-up."""

    place: Place
    address: str | None


def code_digits(typed: str) -> str | None:
    """Return the digits of what was typed when it is meant as a code (of whatever length), else None."""
    plain = "".join(fold_dashes(fold_digits(typed)).replace("-", "").split())
    return plain if plain.isascii() and plain.isdigit() else None


def find_institutions(session: Session, typed: str, day: date) -> Sequence[FoundInstitution]:
    """Return up to 20 institutions: by the beginning of the code, or by any part of the name.

    Names that begin so come first, then those open on ``day``. What must be taken for a personal number, or
    is too long to be a name, finds nothing and is not sent to the database.
    """
    typed = typed.strip()
    if not typed or len(typed) > _LONGEST or contains_personal_number(typed):
        return ()
    digits = code_digits(typed)
    key = fold_name(typed)
    if digits is not None:
        if len(digits) > _CODE_DIGITS:
            return ()
        wanted = begins = MedicalInstitution.code.startswith(digits)
    elif key:
        wanted = MedicalInstitution.name_key.contains(key, autoescape=True)
        begins = MedicalInstitution.name_key.startswith(key, autoescape=True)
    else:
        return ()
    is_closed = or_(MedicalInstitution.valid_from > day, MedicalInstitution.valid_to < day)
    rows = session.execute(
        select(*_PLACE, MedicalInstitution.address)
        .where(wanted)
        .order_by(
            case((begins, 0), else_=1),
            case((is_closed, 1), else_=0),
            MedicalInstitution.name_key,
            MedicalInstitution.id,
        )
        .limit(LISTED),
    )
    return [FoundInstitution(Place(*row[:-1]), row[-1]) for row in rows]


def place_of(session: Session, code: str | None, name: str | None, day: date) -> Place | None:
    """Return the institution that a code, or else a name, means; None when the list does not say.

    A name means an institution when it is the whole name of exactly one, or of exactly one that was open.
    """
    if code is not None:
        if not is_institution_code(code):
            return None
        row = session.execute(select(*_PLACE).where(MedicalInstitution.code == code)).one_or_none()
        return Place(*row) if row else None
    key = fold_name(name) if name else ""
    if not key:
        return None
    rows = session.execute(select(*_PLACE).where(MedicalInstitution.name_key == key)).all()
    places = [Place(*row) for row in rows]
    for candidates in (places, [place for place in places if place.is_open(day)]):
        if len(candidates) == 1:
            return candidates[0]
    return None
