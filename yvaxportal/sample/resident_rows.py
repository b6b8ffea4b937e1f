"""People as rows of the register's tables."""

from datetime import date, timedelta
from functools import lru_cache
from random import Random

from yvaxportal.models.codes import NameKind
from yvaxportal.sample.choice import between, chance
from yvaxportal.sample.copy_text import line
from yvaxportal.sample.numbers import atena_number, business_atena_number, household_number
from yvaxportal.sample.people import Person
from yvaxportal.values.kana import fold_address, fold_name, fold_phone

RESIDENT = (
    "id", "atena_number", "business_atena_number", "household_number", "name", "name_kana",
    "name_alphabet", "alias_name", "former_name", "date_of_birth_written", "date_of_birth", "sex",
    "relationship_to_head", "became_resident_reason", "became_resident_on", "became_resident_notified_on",
    "ceased_resident_reason", "ceased_resident_on", "ceased_resident_notified_on", "resident_category",
    "is_foreign_national", "support_measure_flag", "register_as_of", "revision",
)  # fmt: skip
NAME = ("resident_id", "kind", "key", "date_of_birth_written")
CONTACT = (
    "resident_id", "postal_code", "current_address", "address_code", "address_town_code",
    "neighbourhood_association", "elementary_school_district", "junior_high_school_district",
    "phone_number", "address_before_moving_in", "address_after_moving_out", "mailing_address",
    "has_mailing_address", "address_key", "phone_key", "revision",
)  # fmt: skip
FOREIGN = (
    "resident_id", "nationality", "article_30_45_category", "residence_status", "period_of_stay",
    "residence_card_number", "revision",
)  # fmt: skip
NOTE = ("resident_id", "personal_remarks", "follow_up", "changed_at", "revision")
SUPPORT = ("resident_id", "starts_on", "ends_on", "provisional")

_name_key = lru_cache(maxsize=65_536)(fold_name)
_address_key = lru_cache(maxsize=64)(fold_address)


class ResidentRows:
    """Writes people as rows for COPY, one list for each table."""

    def __init__(self, today: date) -> None:
        self._as_of = f"{today - timedelta(days=1)} 15:30:00+00"
        self._today = today
        self.residents: list[str] = []
        self.names: list[str] = []
        self.contacts: list[str] = []
        self.foreign: list[str] = []
        self.notes: list[str] = []
        self.support: list[str] = []

    def write(self, rng: Random, person: Person) -> None:
        """Write one person with everything that hangs on them."""
        names = {
            NameKind.KANJI: person.name,
            NameKind.KANA: person.name_kana,
            NameKind.ALPHABET: person.name_alphabet,
            NameKind.ALIAS: person.alias_name,
            NameKind.FORMER: person.former_name,
        }
        self.residents.append(
            line(
                person.serial,
                atena_number(person.serial),
                business_atena_number(person.serial),
                household_number(person.household),
                *names.values(),
                person.written_birth,
                person.known_birth,
                person.sex,
                person.relationship,
                person.became_reason,
                person.became_on,
                person.became_notified_on,
                person.ceased_reason,
                person.ceased_on,
                person.ceased_notified_on,
                person.category.value,
                person.foreign is not None,
                person.protected,
                self._as_of,
                1,
            )
        )
        for kind, name in names.items():
            if name:
                self.names.append(line(person.serial, kind.value, _name_key(name), person.written_birth))
        self._write_contact(person)
        if foreign := person.foreign:
            self.foreign.append(
                line(
                    person.serial,
                    foreign.nationality,
                    foreign.category.value,
                    foreign.status,
                    foreign.period,
                    foreign.card,
                    1,
                )
            )
        if person.remarks or person.follow_up:
            self.notes.append(line(person.serial, person.remarks, person.follow_up, self._as_of, 1))
        if person.protected:
            started = self._today - timedelta(days=between(rng, 10, 340))
            ends = started.replace(day=1) + timedelta(days=364)
            self.support.append(line(person.serial, started, ends, chance(rng, 0.1)))

    def _write_contact(self, person: Person) -> None:
        home = person.home
        self.contacts.append(
            line(
                person.serial,
                home.postal_code,
                home.address,
                home.address_code,
                home.town_code,
                home.association,
                home.elementary_school,
                home.junior_high_school,
                person.phone,
                person.address_before,
                person.address_after,
                person.mailing_address,
                person.mailing_address is not None,
                _address_key(home.address),
                fold_phone(person.phone) if person.phone else None,
                1,
            )
        )
