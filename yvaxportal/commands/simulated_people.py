"""The people of the portal's database as the simulator's world file has them (docs/simulator.md)."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from yvaxportal.models.codes import (
    EligibilityKind,
    EligibilityState,
    ForeignResidentCategory,
    ResidentCategory,
)
from yvaxportal.models.resident import Eligibility, ForeignResident, Resident, ResidentContact, SupportMeasure
from yvaxportal.sample.numbers import personal_number
from yvaxportal.values.fiscal import fiscal_year

CHUNK = 2_000
_LATEST_YEAR = 2026
_CATEGORIES = {
    ResidentCategory.RESIDENT: "1",
    ResidentCategory.MOVED_OUT: "2",
    ResidentCategory.DECEASED: "3",
    ResidentCategory.REMOVED: "4",
}
_FOREIGN = {category: str(place) for place, category in enumerate(ForeignResidentCategory, 1)}
_TAXATION = {
    EligibilityState.EXEMPT: "1",
    EligibilityState.TAXED: "2",
    EligibilityState.NOT_FILED: "3",
    EligibilityState.UNKNOWN: "9",
}
_WELFARE = {
    EligibilityKind.NATIONAL_HEALTH_INSURANCE: "1",
    EligibilityKind.LATE_ELDERLY_INSURANCE: "2",
    EligibilityKind.PUBLIC_ASSISTANCE: "3",
    EligibilityKind.PHYSICAL_DISABILITY_CERTIFICATE: "4",
}
_WELFARE_STATES = {EligibilityState.HELD: "1", EligibilityState.NOT_HELD: "2", EligibilityState.UNKNOWN: "9"}


def people_of(engine: Engine, municipality_code: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every line of a world file: kind and record.

    Personal numbers are made up anew: the vault gives none to a simulator.
    """
    with Session(engine) as session:
        people = (
            select(Resident, ResidentContact, ForeignResident)
            .outerjoin(ResidentContact, ResidentContact.resident_id == Resident.id)
            .outerjoin(ForeignResident, ForeignResident.resident_id == Resident.id)
            .where(Resident.resident_category != ResidentCategory.NON_REGISTERED)
            .order_by(Resident.id)
            .execution_options(yield_per=CHUNK)
        )
        measures = {
            measure.resident_id: measure
            for measure in session.scalars(
                select(SupportMeasure).where(SupportMeasure.lifted_at.is_(None)).order_by(SupportMeasure.id)
            )
        }
        numbers: dict[int, str] = {}
        for row in session.execute(people):
            numbers[row.Resident.id] = row.Resident.atena_number
            yield "jumin", _person(row, measures.get(row.Resident.id), municipality_code)
        yield from _eligibilities(session, numbers)


def _person(row: Any, measure: SupportMeasure | None, municipality_code: str) -> dict[str, Any]:
    person, contact, foreign = row.Resident, row.ResidentContact, row.ForeignResident
    record = {
        "atenabango": person.atena_number,
        "setaibango": person.household_number,
        "shikuchosonkodo": municipality_code,
        "rirekibango": person.revision,
        "kijunnichiji": _written(person.register_as_of),
        "shimei": person.name,
        "seinengappi": person.date_of_birth_written,
        "seibetsu": person.sex.value,
        "juminkubun": _CATEGORIES[person.resident_category],
        "shimei_furigana": person.name_kana,
        "shimei_gaikokujinromaji": person.name_alphabet,
        "tsusho": person.alias_name,
        "kyuji": person.former_name,
        "zokugara": person.relationship_to_head,
        "jumin_jiyu": person.became_resident_reason,
        "jumin_idobi": _written(person.became_resident_on),
        "jumin_todokedebi": _written(person.became_resident_notified_on),
        "hijumin_jiyu": person.ceased_resident_reason,
        "hijumin_idobi": _written(person.ceased_resident_on),
        "hijumin_todokedebi": _written(person.ceased_resident_notified_on),
        "kojinbango": personal_number(person.id, 0),
    }
    if contact is not None:
        record |= {
            "jusho_yubinbango": contact.postal_code,
            "jusho": contact.current_address,
            "jusho_kodo": contact.address_code,
            "jusho_choazakodo": contact.address_town_code,
            "jichikai": contact.neighbourhood_association,
            "shogakkoku": contact.elementary_school_district,
            "chugakkoku": contact.junior_high_school_district,
            "tennyumae_jusho": contact.address_before_moving_in,
            "tenshutsugo_jusho": contact.address_after_moving_out,
        }
    if foreign is not None:
        record |= {
            "kokuseki": foreign.nationality,
            "dai30jo45kubun": _FOREIGN.get(foreign.article_30_45_category),
            "zairyushikaku": foreign.residence_status,
            "zairyukikan": foreign.period_of_stay,
            "zairyukadobango": foreign.residence_card_number,
        }
    if measure is not None:
        record["shiensochi"] = {
            "kaishibi": _written(measure.starts_on),
            "shuryobi": _written(measure.ends_on),
            "kari": measure.provisional,
        }
    return {name: value for name, value in record.items() if value is not None}


def _eligibilities(session: Session, numbers: dict[int, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    rows = select(Eligibility).order_by(Eligibility.resident_id, Eligibility.valid_from, Eligibility.id)
    periods: dict[str, list[dict[str, Any]]] = {}
    for entry in session.scalars(rows.execution_options(yield_per=CHUNK)):
        number = numbers.get(entry.resident_id)
        if number is None:
            continue
        if entry.kind is EligibilityKind.TAX_EXEMPT:
            last = fiscal_year(entry.valid_to) if entry.valid_to else _LATEST_YEAR
            for year in range(fiscal_year(entry.valid_from), last + 1):
                state = _TAXATION[entry.state]
                yield "kazei", {"atenabango": number, "nendo": year, "kazeikubun": state}
        else:
            _append(periods.setdefault(number, []), entry)
    for number, listed in periods.items():
        yield "shikaku", {"atenabango": number, "rireki": listed}


def _append(periods: list[dict[str, Any]], entry: Eligibility) -> None:
    """Add a period, ending the one before it of its kind where they would overlap."""
    kind, first = _WELFARE[entry.kind], entry.valid_from.isoformat()
    for earlier in [one for one in periods if one["seidokubun"] == kind]:
        if earlier.get("shuryobi", "9999-12-31") >= first:
            if earlier["kaishibi"] >= first:
                periods.remove(earlier)
            else:
                earlier["shuryobi"] = date.fromordinal(entry.valid_from.toordinal() - 1).isoformat()
    period = {
        "seidokubun": kind,
        "jotaikubun": _WELFARE_STATES[entry.state],
        "kaishibi": first,
        "shuryobi": _written(entry.valid_to),
        "shosai": entry.detail,
    }
    periods.append({name: value for name, value in period.items() if value is not None})


def _written(value: date | datetime | None) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if value else None
