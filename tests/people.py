"""The smallest people: one function makes one resident with what the tests say, and sensible rest."""

from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from yvaxportal.models.codes import NameKind, ResidentCategory, Sex
from yvaxportal.models.resident import Resident, ResidentContact, ResidentName
from yvaxportal.values.checkdigits import atena_check_digit
from yvaxportal.values.kana import fold_address, fold_name, fold_phone

_serial = count(1)
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)


def atena_number(serial: int) -> str:
    """Return ten digits with a valid check digit."""
    base = f"{serial:09}"
    return base + atena_check_digit(base)


def resident(session: Session, **said: Any) -> Resident:
    """Add one resident. ``contact`` overrides contact columns, ``born`` is as the register writes it."""
    serial = next(_serial)
    contact = {"current_address": "鳥取県米子市錦町1-139-3", "has_mailing_address": False} | said.pop(
        "contact", {}
    )
    born = said.pop("born", "1980-05-17")
    exact = None if "-00" in born else date.fromisoformat(born)
    columns = {
        "atena_number": atena_number(serial),
        "business_atena_number": f"9{serial:08}",
        "household_number": f"{serial:010}",
        "name": "見本　太郎",
        "name_kana": "ミホン　タロウ",
        "sex": Sex.MALE,
        "relationship_to_head": "世帯主",
        "became_resident_reason": "出生",
        "became_resident_on": exact,
        "resident_category": ResidentCategory.RESIDENT,
        "is_foreign_national": False,
        "support_measure_flag": False,
        "register_as_of": NOW,
    } | said
    person = Resident(date_of_birth_written=born, date_of_birth=exact, **columns)
    session.add(person)
    session.flush()
    session.add(
        ResidentContact(
            resident_id=person.id,
            address_key=fold_address(contact["current_address"]) if contact["current_address"] else None,
            phone_key=fold_phone(contact["phone_number"]) if contact.get("phone_number") else None,
            **contact,
        ),
    )
    names = {
        NameKind.KANJI: person.name,
        NameKind.KANA: person.name_kana,
        NameKind.ALPHABET: person.name_alphabet,
        NameKind.ALIAS: person.alias_name,
        NameKind.FORMER: person.former_name,
    }
    for kind, name in names.items():
        if name:
            session.add(
                ResidentName(
                    resident_id=person.id, kind=kind, key=fold_name(name), date_of_birth_written=born
                ),
            )
    session.flush()
    return person


def id_of(engine: Engine, atena: str) -> int:
    """Return the id behind an atena number."""
    with engine.connect() as connection:
        found: int = connection.execute(
            select(Resident.id).where(Resident.atena_number == atena)
        ).scalar_one()
        return found
