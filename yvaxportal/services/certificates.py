"""The register of COVID-19 vaccination certificates (items covid19 13 to 15).

A certificate is recorded after an identity check (measures M01 and M07); its id is never used again. What a
travel certificate needs of the passport is kept with it and nowhere else, not in the audit log either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import (
    CertificateKind,
    CertificateState,
    IdentityCheckMethod,
    IdentityDocument,
)
from yvaxportal.models.dose import IdentityCheck
from yvaxportal.models.staff import StaffAccount
from yvaxportal.models.ticket import Certificate, PassportDetails


@dataclass(frozen=True, slots=True)
class Passport:
    """What a travel certificate needs of the passport (item covid19 13)."""

    former_surname: str | None
    other_surname: str | None
    other_name: str | None
    roman_name: str
    nationality: str
    passport_number: str


@dataclass(frozen=True, slots=True)
class NewCertificate:
    """A certificate as it was issued; ``passport`` for travel only."""

    certificate_id: str
    certificate_issued_on: date
    kind: CertificateKind
    passport: Passport | None


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """One certificate of the register, with the check that came before it."""

    id: int
    certificate_id: str
    certificate_issued_on: date
    kind: CertificateKind
    state: CertificateState
    void_reason: str | None
    recorded_at: datetime
    method: IdentityCheckMethod | None
    document: IdentityDocument | None
    checked_by: str | None
    passport: Passport | None


class CertificateIdTakenError(Exception):
    """A certificate with this id was recorded before; ids are never reused."""


class NoCertificateError(Exception):
    """The resident has no valid certificate of this number."""


def certificates_of(session: Session, resident_id: int) -> Sequence[CertificateRow]:
    """Return the certificates of a resident, newest first, void ones included."""
    rows = session.execute(
        select(Certificate, IdentityCheck, StaffAccount.display_name, PassportDetails)
        .outerjoin(IdentityCheck, IdentityCheck.id == Certificate.identity_check_id)
        .outerjoin(StaffAccount, StaffAccount.id == IdentityCheck.checked_by)
        .outerjoin(PassportDetails, PassportDetails.certificate_id == Certificate.id)
        .where(Certificate.resident_id == resident_id)
        .order_by(Certificate.certificate_issued_on.desc(), Certificate.id.desc()),
    )
    return [
        CertificateRow(
            id=certificate.id,
            certificate_id=certificate.certificate_id,
            certificate_issued_on=certificate.certificate_issued_on,
            kind=certificate.kind,
            state=certificate.state,
            void_reason=certificate.void_reason,
            recorded_at=certificate.recorded_at,
            method=check.method if check else None,
            document=check.document if check else None,
            checked_by=checked_by,
            passport=_passport(details) if details else None,
        )
        for certificate, check, checked_by, details in rows
    ]


def record_certificate(
    session: Session,
    audit: AuditTrail,
    resident_id: int,
    certificate: NewCertificate,
    *,
    method: IdentityCheckMethod,
    document: IdentityDocument,
    staff_id: int,
    now: datetime,
) -> int:
    """Record an issued certificate together with the identity check, and return its row's id.

    :raises CertificateIdTakenError: the id is in the register already.
    :raises ValueError: passport details without a travel certificate, or the other way round.
    """
    if (certificate.passport is not None) != (certificate.kind is CertificateKind.TRAVEL):
        raise ValueError("passport details belong to a travel certificate, and only to it")
    check = IdentityCheck(
        resident_id=resident_id,
        method=method,
        document=document,
        checked_by=staff_id,
        checked_at=now,
    )
    row = Certificate(
        resident_id=resident_id,
        certificate_id=certificate.certificate_id,
        certificate_issued_on=certificate.certificate_issued_on,
        kind=certificate.kind,
        state=CertificateState.VALID,
        recorded_by=staff_id,
        recorded_at=now,
    )
    try:
        with session.begin_nested():
            session.add(check)
            session.flush()
            row.identity_check_id = check.id
            session.add(row)
            session.flush()
    except IntegrityError as error:
        if (
            getattr(getattr(error.orig, "diag", None), "constraint_name", "")
            == "uq_certificate_certificate_id"
        ):
            raise CertificateIdTakenError from None
        raise
    if certificate.passport is not None:
        passport = certificate.passport
        session.add(
            PassportDetails(
                certificate_id=row.id,
                former_surname=passport.former_surname,
                other_surname=passport.other_surname,
                other_name=passport.other_name,
                roman_name=passport.roman_name,
                nationality=passport.nationality,
                passport_number=passport.passport_number,
            ),
        )
        session.flush()
    audit.record(
        Action.CERTIFICATE_RECORDED,
        resident_id=resident_id,
        subject=f"certificate:{row.id}",
        detail={"method": method, "document": document},
        after={
            "certificate_id": certificate.certificate_id,
            "certificate_issued_on": certificate.certificate_issued_on,
            "kind": certificate.kind,
        },
    )
    return row.id


def void_certificate(
    session: Session,
    audit: AuditTrail,
    resident_id: int,
    row_id: int,
    *,
    reason: str,
) -> None:
    """Mark a certificate void; it stays in the register.

    :raises NoCertificateError: it is not this resident's, or void already.
    """
    row = session.scalars(
        select(Certificate)
        .where(Certificate.id == row_id, Certificate.resident_id == resident_id)
        .with_for_update()
        .execution_options(populate_existing=True),
    ).one_or_none()
    if row is None or row.state is CertificateState.VOID:
        raise NoCertificateError
    row.state = CertificateState.VOID
    row.void_reason = reason
    session.flush()
    audit.record(
        Action.CERTIFICATE_RECORDED,
        resident_id=resident_id,
        subject=f"certificate:{row.id}",
        detail={"reason": reason},
        before={"state": CertificateState.VALID},
        after={"state": CertificateState.VOID},
    )


def _passport(details: PassportDetails) -> Passport:
    return Passport(
        former_surname=details.former_surname,
        other_surname=details.other_surname,
        other_name=details.other_name,
        roman_name=details.roman_name,
        nationality=details.nationality,
        passport_number=details.passport_number,
    )
