from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from tests.details import clerk, events
from tests.people import NOW, resident
from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.models.codes import (
    CertificateKind,
    CertificateState,
    IdentityCheckMethod,
    IdentityDocument,
)
from yvaxportal.models.ticket import PassportDetails
from yvaxportal.services.certificates import (
    CertificateIdTakenError,
    NewCertificate,
    NoCertificateError,
    Passport,
    certificates_of,
    record_certificate,
    void_certificate,
)

PASSPORT = Passport("KYUSEI", None, "BETSUMEI", "MIHON TARO", "JPN", "TZ1234567")


@pytest.fixture
def audit(db: Session, engine: Engine) -> AuditTrail:
    return AuditTrail(db, engine, SYSTEM)


@pytest.fixture
def person_id(db: Session) -> int:
    return resident(db).id


@pytest.fixture
def staff_id(db: Session) -> int:
    return clerk(db)


def record(db: Session, audit: AuditTrail, person_id: int, staff_id: int, **said: Any) -> int:
    columns: dict[str, Any] = {
        "certificate_id": "2026110001",
        "certificate_issued_on": date(2026, 11, 20),
        "kind": CertificateKind.TRAVEL,
        "passport": PASSPORT,
    }
    return record_certificate(
        db,
        audit,
        person_id,
        NewCertificate(**(columns | said)),
        method=IdentityCheckMethod.COUNTER,
        document=IdentityDocument.PASSPORT,
        staff_id=staff_id,
        now=NOW,
    )


def test_a_certificate_stands_with_its_identity_check_and_passport(
    db: Session, audit: AuditTrail, person_id: int, staff_id: int
) -> None:
    record(db, audit, person_id, staff_id)

    (row,) = certificates_of(db, person_id)
    assert (row.certificate_id, row.certificate_issued_on) == ("2026110001", date(2026, 11, 20))
    assert (row.kind, row.state) == (CertificateKind.TRAVEL, CertificateState.VALID)
    assert (row.method, row.document, row.checked_by) == (
        IdentityCheckMethod.COUNTER,
        IdentityDocument.PASSPORT,
        "見本職員",
    )
    assert row.passport == PASSPORT


def test_the_passport_is_not_in_the_audit_log(
    db: Session, audit: AuditTrail, person_id: int, staff_id: int
) -> None:
    record(db, audit, person_id, staff_id)
    (event,) = events(db, Action.CERTIFICATE_RECORDED)
    assert event.after == {
        "certificate_id": "2026110001",
        "certificate_issued_on": "2026-11-20",
        "kind": "travel",
    }
    assert "TZ1234567" not in f"{event.detail}{event.after}{event.subject}"


def test_an_id_is_never_used_again_not_even_of_a_void_certificate(
    db: Session, audit: AuditTrail, person_id: int, staff_id: int
) -> None:
    row_id = record(db, audit, person_id, staff_id)
    void_certificate(db, audit, person_id, row_id, reason="氏名の訂正")
    with pytest.raises(CertificateIdTakenError):
        record(db, audit, resident(db).id, staff_id)
    assert [row.state for row in certificates_of(db, person_id)] == [CertificateState.VOID]


def test_passport_details_are_kept_for_travel_only(
    db: Session, audit: AuditTrail, person_id: int, staff_id: int
) -> None:
    for kind, passport in ((CertificateKind.DOMESTIC, PASSPORT), (CertificateKind.TRAVEL, None)):
        with pytest.raises(ValueError, match="travel"):
            record(db, audit, person_id, staff_id, kind=kind, passport=passport)
    record(db, audit, person_id, staff_id, kind=CertificateKind.DOMESTIC, passport=None)
    assert db.scalars(select(PassportDetails)).all() == []


def test_void_once_and_only_ones_own(db: Session, audit: AuditTrail, person_id: int, staff_id: int) -> None:
    row_id = record(db, audit, person_id, staff_id)
    with pytest.raises(NoCertificateError):
        void_certificate(db, audit, resident(db).id, row_id, reason="他人の番号")
    void_certificate(db, audit, person_id, row_id, reason="氏名の訂正")
    with pytest.raises(NoCertificateError):
        void_certificate(db, audit, person_id, row_id, reason="再度")
    (row,) = certificates_of(db, person_id)
    assert (row.state, row.void_reason) == (CertificateState.VOID, "氏名の訂正")
    assert events(db, Action.CERTIFICATE_RECORDED)[-1].detail == {"reason": "氏名の訂正"}
