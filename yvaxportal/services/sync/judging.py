"""What the portal does not take over from the register, and what it keeps of it."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from yvaxportal.adapters.messages.resident_register import (
    ForeignDetails,
    RegisterChange,
    RegisteredContact,
    RegisteredPerson,
)
from yvaxportal.audit.trail import clean
from yvaxportal.values.clock import jst_date
from yvaxportal.values.text import contains_personal_number
from yvaxportal.values.wareki import parse_date

#: Clocks of two systems may differ; a statement about the future is refused beyond this.
CLOCKS_DIFFER = timedelta(hours=1)
_PERSONAL_NUMBER_DIGITS = 12
_ATENA_DIGITS = 15
_TEXTS = (
    "name",
    "name_kana",
    "name_alphabet",
    "alias_name",
    "former_name",
    "relationship_to_head",
    "household_number",
)
_CONTACT_TEXTS = tuple(RegisteredContact.__dataclass_fields__)
_FOREIGN_TEXTS = tuple(
    name for name in ForeignDetails.__dataclass_fields__ if name != "article_30_45_category"
)


class Reason(StrEnum):
    """Why something was not taken over."""

    WRONG_MUNICIPALITY = "wrong_municipality"
    BAD_ATENA_NUMBER = "bad_atena_number"
    NO_NAME = "no_name"
    BAD_BIRTH_DATE = "bad_birth_date"
    BORN_IN_THE_FUTURE = "born_in_the_future"
    FROM_THE_FUTURE = "from_the_future"
    OUTDATED = "outdated"
    PERSONAL_NUMBER_IN_TEXT = "personal_number_in_text"
    BAD_PERSONAL_NUMBER = "bad_personal_number"
    PERSONAL_NUMBER_TAKEN = "personal_number_taken"
    BUSINESS_NUMBER_TAKEN = "business_number_taken"
    OTHER_UNKNOWN = "other_unknown"
    MERGED_OTHERWISE = "merged_otherwise"
    HAS_RECORDS = "has_records"
    SPLIT_TO_DECIDE = "split_to_decide"
    NOT_IN_REGISTER = "not_in_register"
    BAD_ANSWER = "bad_answer"
    UNREADABLE = "unreadable"


def judge(
    person: RegisteredPerson, *, known_version: int | None, municipality_code: str, now: datetime
) -> Reason | None:
    """Return why a person is not taken over as they came, None when they are."""
    birth = parse_date(person.date_of_birth_written)
    today = jst_date(now)
    faults = (
        (Reason.WRONG_MUNICIPALITY, person.municipality_code != municipality_code),
        (Reason.BAD_ATENA_NUMBER, not is_usable_number(person.atena_number)),
        (Reason.NO_NAME, not person.name.strip()),
        (Reason.BAD_BIRTH_DATE, birth is None),
        (Reason.BORN_IN_THE_FUTURE, person.date_of_birth_written[:10] > today.isoformat()),
        (Reason.FROM_THE_FUTURE, person.as_of > now + CLOCKS_DIFFER),
        (Reason.PERSONAL_NUMBER_IN_TEXT, _holds_number(person)),
        (Reason.OUTDATED, known_version is not None and person.version < known_version),
    )
    return next((reason for reason, holds in faults if holds), None)


def is_usable_number(atena_number: str) -> bool:
    """Tell whether an atena number can be one here: never twelve digits, which a personal number has."""
    digits = atena_number.isascii() and atena_number.isdigit()
    return digits and len(atena_number) <= _ATENA_DIGITS and len(atena_number) != _PERSONAL_NUMBER_DIGITS


def payload_of(subject: RegisterChange | RegisteredPerson) -> Mapping[str, Any]:
    """Return what is kept of a refused delivery: everything but the personal number."""
    person = subject if isinstance(subject, RegisteredPerson) else subject.person
    if person is not None:
        person = replace(person, personal_number=None)
        subject = person if isinstance(subject, RegisteredPerson) else replace(subject, person=person)
    kept: Mapping[str, Any] = clean(asdict(subject))
    return kept


def _holds_number(person: RegisteredPerson) -> bool:
    """Tell whether a personal number stands in a text that is for something else."""
    texts = [getattr(person, name) for name in _TEXTS]
    texts += [getattr(person.contact, name) for name in _CONTACT_TEXTS]
    if person.foreign is not None:
        texts += [getattr(person.foreign, name) for name in _FOREIGN_TEXTS]
    # Hardly any text has twelve digits; only those are looked at closely.
    return any(
        contains_personal_number(text)
        for text in texts
        if text is not None
        and len(text) >= _PERSONAL_NUMBER_DIGITS
        and sum(map(str.isdigit, text)) >= _PERSONAL_NUMBER_DIGITS
    )
