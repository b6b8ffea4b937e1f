"""One person of whom every record item holds something."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.details import clerk
from tests.people import NOW, resident
from yvaxportal.models import Base
from yvaxportal.models.codes import (
    CertificateKind,
    CertificateState,
    DeliveryCategory,
    DoseCategory,
    DoseSource,
    DoseState,
    EligibilityKind,
    EligibilityState,
    ForeignResidentCategory,
    IneligibilityJudgement,
    Judgement,
    PneumococcalType,
    RecordGroup,
    ResidentCategory,
    Sex,
    VaccinationStatus,
)
from yvaxportal.models.dose import Dose, MedicalInstitution
from yvaxportal.models.record_items import RecordItem, held_values
from yvaxportal.models.resident import Eligibility, ForeignResident, Resident, ResidentNote
from yvaxportal.models.ticket import Certificate, PassportDetails
from yvaxportal.programme.catalogue import load_catalogue

BASE_NUMBER = "90000000123"


@dataclass(frozen=True)
class Everything:
    """The person, and the ids of the doses by record group."""

    atena_number: str
    resident_id: int
    doses: dict[str, int]
    rows: dict[str, list[dict[str, Any]]]


def make_everything(session: Session) -> Everything:
    """Add the person with a distinct value in every column that an item has, and commit."""
    person = _person(session)
    session.add_all(_parts(person.id))
    institution = MedicalInstitution(
        code=None,
        name="見本こどもクリニック",
        name_key="見本コトモクリニク",
        valid_from=date(2000, 4, 1),
    )
    session.add(institution)
    certificate = Certificate(
        resident_id=person.id,
        certificate_id="C-20211220-7",
        certificate_issued_on=date(2021, 12, 20),
        kind=CertificateKind.TRAVEL,
        state=CertificateState.VALID,
        recorded_by=clerk(session),
        recorded_at=NOW,
    )
    session.add(certificate)
    session.flush()
    session.add(
        PassportDetails(
            certificate_id=certificate.id,
            former_surname="KYUSEI",
            other_surname="BESSEI",
            other_name="BETSUMEI",
            roman_name="EVERYTHING HANAKO",
            nationality="ZWE",
            passport_number="TZ7654321",
        ),
    )
    doses = {dose.record_group.value: dose for dose in _doses(person.id, institution.id)}
    session.add_all(doses.values())
    session.flush()
    made = Everything(
        atena_number=person.atena_number,
        resident_id=person.id,
        doses={group: dose.id for group, dose in doses.items()},
        rows={
            **{
                table: _rows(session, table, "resident_id", person.id)
                for table in (
                    "resident_contact",
                    "foreign_resident",
                    "resident_note",
                    "eligibility",
                    "dose",
                    "certificate",
                )
            },
            "resident": _rows(session, "resident", "id", person.id),
            "passport_details": _rows(session, "passport_details", "certificate_id", certificate.id),
        },
    )
    session.commit()
    return made


def _person(session: Session) -> Resident:
    return resident(
        session,
        name="全項　花子",
        name_kana="ゼンコウ　ハナコ",
        name_alphabet="ZENKO HANAKO",
        alias_name="通称　花子",
        former_name="旧姓　花子",
        born="1956-04-01",
        sex=Sex.FEMALE,
        relationship_to_head="同居人",
        became_resident_reason="転入届",
        became_resident_on=date(1999, 1, 11),
        became_resident_notified_on=date(1999, 1, 21),
        ceased_resident_reason="職権消除届",
        ceased_resident_on=date(2019, 2, 12),
        ceased_resident_notified_on=date(2019, 2, 22),
        resident_category=ResidentCategory.NON_REGISTERED,
        is_foreign_national=True,
        contact={
            "postal_code": "6830823",
            "current_address": "鳥取県米子市加茂町1-1",
            "address_code": "312029",
            "address_town_code": "0012003",
            "neighbourhood_association": "加茂町自治会",
            "elementary_school_district": "就将小校区",
            "junior_high_school_district": "湊山中校区",
            "phone_number": "0859-00-0123",
            "address_before_moving_in": "大阪府大阪市北区1",
            "address_after_moving_out": "島根県松江市殿町1",
            "has_mailing_address": True,
            "mailing_address": "送付先は見本様方",
        },
    )


def _parts(resident_id: int) -> Iterator[Base]:
    yield ForeignResident(
        resident_id=resident_id,
        nationality="ジンバブエ",
        article_30_45_category=ForeignResidentCategory.PROVISIONAL_STAY,
        residence_status="特定活動",
        period_of_stay="6月",
        residence_card_number="ZZ98765432YY",
    )
    yield ResidentNote(
        resident_id=resident_id,
        personal_remarks="筆談を希望",
        follow_up="三月に再度連絡",
        changed_at=NOW,
    )
    for number, kind in enumerate(EligibilityKind, start=1):
        yield Eligibility(
            resident_id=resident_id,
            kind=kind,
            state=EligibilityState.TAXED if kind is EligibilityKind.TAX_EXEMPT else EligibilityState.HELD,
            detail=f"明細第{number}号",
            valid_from=date(2024, 4, number),
            valid_to=date(2027, 3, number),
            as_of=datetime(2026, 11, number, tzinfo=NOW.tzinfo),
            source=f"source-{number}",
        )


def _doses(resident_id: int, institution_id: int) -> Iterator[Dose]:
    vaccines = {vaccine.record_group: vaccine.code for vaccine in load_catalogue().vaccines.values()}
    common = {
        "resident_id": resident_id,
        "state": DoseState.ACTIVE,
        "source": DoseSource.FORM,
        "alerts": [],
        "changed_at": NOW,
        "medical_institution_id": institution_id,
    }
    yield Dose(
        **common,
        record_group=RecordGroup.INFANT,
        vaccine=vaccines["infant_dose"],
        dose_number=31,
        given_on=date(1958, 5, 6),
        judgement=Judgement.UNFIT,
        dose_category=DoseCategory.ROUTINE,
        ineligibility_judgement=IneligibilityJudgement.INTERVAL,
        delivery_category=DeliveryCategory.OUT_OF_PREFECTURE,
        lot_number="INF-311",
        fee=12340,
        remarks="乳幼児の特記",
        pneumococcal_type=PneumococcalType.V13,
        age_when_given=25,
        age_at_fiscal_year_end=35,
    )
    yield Dose(
        **common,
        record_group=RecordGroup.ELDERLY,
        vaccine=vaccines["elderly_dose"],
        dose_number=32,
        given_on=date(2023, 10, 7),
        judgement=Judgement.GIVEN,
        dose_category=DoseCategory.SUBSIDISED,
        physician="見本　医師",
        lot_number="ELD-322",
        fee=23450,
        remarks="高齢者の特記",
        age_when_given=67 * 12 + 6,
        age_at_fiscal_year_end=68 * 12,
        age_on_reference_date=66 * 12 + 11,
    )
    yield Dose(
        **common,
        record_group=RecordGroup.COVID19,
        vaccine=vaccines["covid19"],
        dose_number=33,
        given_on=date(2021, 7, 8),
        judgement=Judgement.GIVEN,
        dose_category=DoseCategory.TEMPORARY,
        municipality_code="322016",
        ticket_number="0000987654",
        vaccination_status=VaccinationStatus.DONE,
        manufacturer="見本製薬",
        lot_number="COV-333",
        vaccine_kind="見本ＲＮＡ",
        product_name="見本筋注",
        age_when_given=65 * 12 + 3,
    )


def _rows(session: Session, table: str, column: str, wanted: int) -> list[dict[str, Any]]:
    found = Base.metadata.tables[table]
    return [dict(row) for row in session.execute(select(found).where(found.c[column] == wanted)).mappings()]


def expected(everything: Everything, item: RecordItem) -> list[tuple[str, Any]]:
    """Return column and value of everything that a page has to show of an item."""
    return [
        pair
        for held in held_values(everything.rows)
        if held.item is item
        for pair in held.values.items()
        if pair[1] not in {None, ""}
    ]
