"""What the resident register (住民基本台帳) tells: people, and what happened to them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from yvaxportal.models.codes import ForeignResidentCategory, ResidentCategory, Sex
from yvaxportal.values.personal_number import PersonalNumber


@dataclass(frozen=True, slots=True)
class Residency:
    """When and why somebody became or ceased to be a resident (record items 16 to 23).

    Three dates differ: the event (異動日), its notification (届出日), and the processing, which is that of
    the change.
    """

    became_reason: str | None = None
    became_on: date | None = None
    became_notified_on: date | None = None
    ceased_reason: str | None = None
    ceased_on: date | None = None
    ceased_notified_on: date | None = None


@dataclass(frozen=True, slots=True)
class RegisteredContact:
    """Where the register has somebody living (record items 9 to 14, 25, 26), as received."""

    postal_code: str | None = None
    current_address: str | None = None
    address_code: str | None = None
    address_town_code: str | None = None
    neighbourhood_association: str | None = None
    elementary_school_district: str | None = None
    junior_high_school_district: str | None = None
    address_before_moving_in: str | None = None
    address_after_moving_out: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignDetails:
    """What only a foreign resident has (record items 24, 28 to 31)."""

    nationality: str | None = None
    article_30_45_category: ForeignResidentCategory | None = None
    residence_status: str | None = None
    period_of_stay: str | None = None
    residence_card_number: str | None = None


@dataclass(frozen=True, slots=True)
class RegisteredMeasure:
    """A support measure (支援措置) as the register has it; ``ends_on`` passes without lifting it."""

    starts_on: date
    ends_on: date
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class RegisteredPerson:
    """One person as the register has them at ``as_of``.

    :param atena_number: up to 15 digits (``atenabango`` X15).
    :param version: the register's history number (履歴番号) of this state; it only grows.
    :param date_of_birth_written: ``YYYY-MM-DD`` with ``00`` for a month or day that is not known.
    :param personal_number: only where the caller asked for it and the law gives it; kept in the vault.
    """

    atena_number: str
    household_number: str
    name: str
    date_of_birth_written: str
    sex: Sex
    resident_category: ResidentCategory
    version: int
    as_of: datetime
    municipality_code: str
    name_kana: str | None = None
    name_alphabet: str | None = None
    alias_name: str | None = None
    former_name: str | None = None
    relationship_to_head: str | None = None
    residency: Residency = field(default_factory=Residency)
    contact: RegisteredContact = field(default_factory=RegisteredContact)
    foreign: ForeignDetails | None = None
    support_measure: RegisteredMeasure | None = None
    personal_number: PersonalNumber | None = None


class ChangeKind(StrEnum):
    """What happened (異動). ``removed`` takes a row back that should never have been there."""

    BIRTH = "birth"
    DEATH = "death"
    MOVED_IN = "moved_in"
    MOVED_OUT = "moved_out"
    MOVED_WITHIN = "moved_within"
    CORRECTED = "corrected"
    SUPPORT_MEASURE_STARTED = "support_measure_started"
    SUPPORT_MEASURE_ENDED = "support_measure_ended"
    MERGED = "merged"
    SPLIT = "split"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class RegisterChange:
    """One thing that happened to one person.

    :param change_id: the register's own id of the change: delivered twice it is the same, applied once.
    :param person: how the person stands after the change; None for ``removed`` and for a number that was
        merged away.
    :param other_atena_number: ``merged``: the number that remains; ``split``: the number it came from.
    """

    change_id: str
    kind: ChangeKind
    atena_number: str
    occurred_on: date
    processed_at: datetime
    person: RegisteredPerson | None
    other_atena_number: str | None = None


@dataclass(frozen=True, slots=True)
class Unusable:
    """One record of a list that is not as agreed. It is passed over, told, and spoils no other.

    :param where: a place in the record, never a value.
    :param record_id: the register's id of the change, where it could be read.
    """

    where: str
    record_id: str | None = None
    atena_number: str | None = None


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Changes in the order in which the register processed them.

    :param next_cursor: where to go on, also after the last change: what is asked with it later is new.
    :param more: whether there is more right now.
    :param unusable: what came and is no change; the cursor leads past it.
    """

    changes: tuple[RegisterChange, ...]
    next_cursor: str
    more: bool
    as_of: datetime
    unusable: tuple[Unusable, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everybody, as a stream that can be broken off and taken up again.

    :param snapshot_id: names this state of the register; a resumed snapshot has the same.
    :param expected: how many people the whole snapshot has.
    :param change_cursor: the cursor from which ``changes`` goes on after it: nothing between is lost.
    :param people: in the order of the atena number (as text, code points); consumed once.
    :param unusable: grows while ``people`` is consumed; ``expected`` counts these, too.
    """

    snapshot_id: str
    as_of: datetime
    expected: int
    change_cursor: str
    people: Iterator[RegisteredPerson]
    unusable: list[Unusable] = field(default_factory=list)
