"""What goes to and from the vaccination record system (VRS, ワクチン接種記録システム).

Functions that ended on 2024-03-31 (inquiry of other municipalities, issue by app and convenience store) have
no message here: nothing can ask for them.
"""

from dataclasses import dataclass, field
from datetime import date, datetime

from yvaxportal.models.codes import CertificateKind, Sex, VaccinationStatus, VrsFlag
from yvaxportal.values.personal_number import PersonalNumber

#: Until this day doses were the special temporary programme, which certificates attest.
LAST_CERTIFIED_DAY = date(2024, 3, 31)
#: The most targets that are registered in one call.
MOST_TARGETS = 10_000

__all__ = [
    "LAST_CERTIFIED_DAY",
    "MOST_TARGETS",
    "CertificateRequest",
    "IssuedCertificate",
    "RowOutcome",
    "VrsFlag",
    "VrsRecord",
    "VrsTarget",
]


@dataclass(frozen=True, slots=True)
class VrsTarget:
    """Somebody to be vaccinated and the ticket issued to them (接種対象者・接種券発行登録).

    The personal number goes up and never comes down.
    """

    municipality_code: str
    atena_number: str
    ticket_number: str
    name: str
    date_of_birth_written: str
    sex: Sex
    personal_number: PersonalNumber
    name_kana: str | None = None


@dataclass(frozen=True, slots=True)
class VrsRecord:
    """One dose as VRS has it (columns 2 to 9 of its ledger download; lengths are characters).

    :param dose_number: 1 to 9.
    :param manufacturer: up to 20; as ``lot_number`` it may be empty only when nothing was given.
    :param lot_number: up to 20.
    :param record_id: given by VRS, up to 64 of ``0-9A-Za-z._-``; None for one that is only being registered.
    :param given_at: the venue (会場名), up to 30. This and the texts below are None or not empty.
    :param physician: up to 20.
    :param vaccine: kind of vaccine, up to 100.
    :param product_name: up to 100.
    """

    municipality_code: str
    ticket_number: str
    dose_number: int
    status: VaccinationStatus
    given_on: date
    manufacturer: str
    lot_number: str
    record_id: str | None = None
    registered_at: datetime | None = None
    given_at: str | None = None
    physician: str | None = None
    vaccine: str | None = None
    product_name: str | None = None


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of one row that was sent.

    :param position: of the row among those sent, from 0.
    :param code: empty when it was taken, otherwise a code of the protocol.
    """

    position: int
    record_id: str | None = None
    code: str = ""

    @property
    def taken(self) -> bool:
        """Tell whether the row was taken."""
        return not self.code


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """A certificate to be issued at the counter; passport details for travel only (record items 79 to 83)."""

    ticket_number: str
    kind: CertificateKind
    name_alphabet: str | None = None
    passport_number: str | None = field(default=None, repr=False)
    passport_nationality: str | None = None
    former_name: str | None = None
    other_name: str | None = None
    alphabet_of_other_name: str | None = None


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate that VRS issued, with the doses that stand on it."""

    certificate_id: str
    issued_on: date
    kind: CertificateKind
    records: tuple[VrsRecord, ...]
    codes: tuple[str, ...] = ()
