"""A made-up person as the generator passes it from step to step."""

from dataclasses import dataclass
from datetime import date

from yvaxportal.models.codes import ForeignResidentCategory, ResidentCategory
from yvaxportal.sample.names import SPACE, Word
from yvaxportal.sample.places import Home


@dataclass(slots=True)
class Foreign:
    """What only a foreign resident has."""

    nationality: str
    category: ForeignResidentCategory
    status: str | None
    period: str | None
    card: str | None


@dataclass(slots=True)
class Person:
    """One person. ``birth`` is the true day; ``birth_written`` what the register knows of it."""

    surname: Word
    given: Word
    sex: str
    birth: date
    relationship: str | None
    home: Home
    serial: int = 0
    household: int = 0
    birth_written: str = ""
    kana_missing: bool = False
    foreign: Foreign | None = None
    alias_name: str | None = None
    former_name: str | None = None
    became_reason: str | None = None
    became_on: date | None = None
    became_notified_on: date | None = None
    ceased_reason: str | None = None
    ceased_on: date | None = None
    ceased_notified_on: date | None = None
    category: ResidentCategory = ResidentCategory.RESIDENT
    phone: str | None = None
    address_before: str | None = None
    address_after: str | None = None
    mailing_address: str | None = None
    protected: bool = False
    remarks: str | None = None
    follow_up: str | None = None

    @property
    def name(self) -> str:
        """The name as the register writes it: full-width space for kanji, plain one for the alphabet."""
        space = " " if self.surname.written.isascii() else SPACE
        return f"{self.surname.written}{space}{self.given.written}"

    @property
    def name_kana(self) -> str | None:
        """The name in kana, None where nobody reported it."""
        return None if self.kana_missing else f"{self.surname.kana}{SPACE}{self.given.kana}"

    @property
    def name_alphabet(self) -> str | None:
        """The name in the alphabet; foreign residents only."""
        return f"{self.surname.alphabet} {self.given.alphabet}" if self.foreign else None

    @property
    def written_birth(self) -> str:
        """The birth date in the register's form."""
        return self.birth_written or self.birth.isoformat()

    @property
    def known_birth(self) -> date | None:
        """The birth date if the register knows all of it."""
        return None if self.birth_written else self.birth

    def age_on(self, day: date) -> int:
        """Return the age in years."""
        return day.year - self.birth.year - ((day.month, day.day) < (self.birth.month, self.birth.day))
