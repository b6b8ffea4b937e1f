"""What the integrated atena system (統合宛名システム) keeps and passes on."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from yvaxportal.models.codes import Sex
from yvaxportal.values.personal_number import PersonalNumber


@dataclass(frozen=True, slots=True)
class NameInformation:
    """Name information (宛名情報) bound to an atena number (assessment I-2, system 2, function 2)."""

    atena_number: str
    name: str
    date_of_birth_written: str
    sex: Sex
    address: str
    as_of: datetime
    name_kana: str | None = None
    alias_name: str | None = None
    postal_code: str | None = None
    address_code: str | None = None
    is_registered_resident: bool = False


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody without an atena number (住登外者), with what the number is assigned by.

    The same person is recognised by the personal number where it is known, otherwise by name, birth date, sex
    and address together as written here: the same five never get two numbers.
    """

    name: str
    date_of_birth_written: str
    sex: Sex
    address: str
    name_kana: str | None = None
    alias_name: str | None = None
    postal_code: str | None = None
    address_code: str | None = None
    personal_number: PersonalNumber | None = None


class AssignmentKind(StrEnum):
    """What came of asking for an atena number."""

    ASSIGNED = "assigned"
    ALREADY_HAD_ONE = "already_had_one"


@dataclass(frozen=True, slots=True)
class Assignment:
    """The number that belongs to the person from now on."""

    atena_number: str
    kind: AssignmentKind
    assigned_at: datetime


class NoticeKind(StrEnum):
    """What happened to atena numbers."""

    MERGED = "merged"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class NumberNotice:
    """Two numbers turned out to be one person (名寄せ), or one number two people.

    :param notice_id: delivered twice it is the same notice.
    :param atena_number: the number that remains (``merged``), or the one that was taken apart (``split``).
    :param other_atena_number: the number that is merged away, or the new one.
    """

    notice_id: str
    kind: NoticeKind
    atena_number: str
    other_atena_number: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class NoticePage:
    """Notices in the order they were decided; ``next_cursor`` goes on after the last one, later too."""

    notices: tuple[NumberNotice, ...]
    next_cursor: str
    more: bool
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request to the chukan server or its answer, as the atena system passes it through.

    :param interface_id: published interface id, such as ``IF_SKI_10111`` (japan_standards 4.2).
    :param atena_number: replaced by the integrated atena number on the way; None where no person is meant.
    :param body: JSON of the chukan protocol; opaque here, never logged.
    """

    interface_id: str
    message_id: str
    body: bytes
    atena_number: str | None = None

    def __repr__(self) -> str:
        return f"<Envelope {self.interface_id} {self.message_id}, {len(self.body)} bytes>"
