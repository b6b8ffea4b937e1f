"""Search keys of a resident: made again whenever a name, a birth date, an address or a telephone changes."""

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from yvaxportal.models.codes import NameKind
from yvaxportal.models.resident import Resident, ResidentName
from yvaxportal.values.kana import fold_address, fold_name, fold_phone

NAME_COLUMNS = {
    NameKind.KANJI: Resident.name,
    NameKind.KANA: Resident.name_kana,
    NameKind.ALPHABET: Resident.name_alphabet,
    NameKind.ALIAS: Resident.alias_name,
    NameKind.FORMER: Resident.former_name,
}


def rebuild_names(session: Session, resident_id: int) -> int:
    """Write the name keys of one resident anew from the stored row and return how many there are.

    Flush pending changes of the resident first. A name of which nothing is left when folded (dashes only)
    has no key; an unknown resident gets none.
    """
    session.execute(delete(ResidentName).where(ResidentName.resident_id == resident_id))
    row = session.execute(
        select(Resident.date_of_birth_written, *NAME_COLUMNS.values()).where(Resident.id == resident_id),
    ).one_or_none()
    if row is None:
        return 0
    birth, *names = row
    keys = [
        {"resident_id": resident_id, "kind": kind, "key": key, "date_of_birth_written": birth}
        for kind, name in zip(NAME_COLUMNS, names, strict=True)
        if name and (key := fold_name(name))
    ]
    if keys:
        session.execute(insert(ResidentName), keys)
    return len(keys)


def contact_keys(current_address: str | None, phone_number: str | None) -> dict[str, str | None]:
    """Return ``address_key`` and ``phone_key`` of a contact; None where there is nothing to search by."""
    return {
        "address_key": (fold_address(current_address) or None) if current_address else None,
        "phone_key": fold_phone(phone_number) if phone_number else None,
    }
