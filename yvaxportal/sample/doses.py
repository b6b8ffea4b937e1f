"""From the plan of a life to the doses on record: what is known, what went wrong, where it was given."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from yvaxportal.models.codes import DoseCategory
from yvaxportal.programme.catalogue import Catalogue
from yvaxportal.sample.choice import Weighted, between, chance, day_between, one_of
from yvaxportal.sample.copy_text import NULL, line
from yvaxportal.sample.dose_rows import DoseRow
from yvaxportal.sample.institutions import Institution
from yvaxportal.sample.numbers import ticket_number
from yvaxportal.sample.people import Person
from yvaxportal.sample.planned import TEMPORARY, Planned
from yvaxportal.sample.register import BORN, MOVED_IN
from yvaxportal.sample.supplies import fee, lot
from yvaxportal.sample.words import words
from yvaxportal.values.ages import day_age_is_reached

_CHANGE_REASONS = ("二重登録のため取消", "別人への誤登録のため取消", "接種日の誤りのため取消（再登録済）")
_LOT_CORRECTED = "予診票によりロット番号を訂正"
_OTHER_MUNICIPALITIES = ("312011", "322016", "331007", "271004", "131041")
_ACCIDENTS = Weighted(("visit", "lot", "change", "twice", "early"), (7, 3, 2, 1, 3))
_GROUP_UNTIL_AGE, _SMALL_CHILD = 65, 7


@dataclass(frozen=True, slots=True)
class Practice:
    """Where the members of a household go."""

    child: Institution
    adult: Institution
    spare: Institution


class DoseBook:
    """Writes the doses of people as rows for COPY: ``doses`` and later ``changes`` to some of them."""

    def __init__(self, seed: int, today: date, municipality_code: str, catalogue: Catalogue) -> None:
        self._seed, self._today, self._municipality_code = seed, today, municipality_code
        self._vaccines = catalogue.vaccines
        self.doses: list[str] = []
        self.changes: list[str] = []

    def record(
        self, rng: Random, person: Person, planned: Iterable[Planned], practice: Practice
    ) -> list[Planned]:
        """Write what of the plan is on record and return it."""
        kept = list(self._known(rng, person, planned))
        for dose in kept:
            self._write(rng, person, dose, practice)
        return kept

    def _known(self, rng: Random, person: Person, planned: Iterable[Planned]) -> Iterator[Planned]:
        """Give the doses of the plan that took place and are known here."""
        last = person.ceased_on or self._today
        first = person.birth
        if person.became_reason != BORN and person.became_on and not self._brings_history(rng, person):
            first = person.became_on
        if chance(rng, 0.012):
            return  # refuses every vaccine
        if chance(rng, 0.05):
            # Came for a while and then no more.
            last = min(last, day_between(rng, first, last))
        seen = set()
        for dose in planned:
            key = (dose.vaccine, dose.number, dose.day)
            if first <= dose.day <= last and key not in seen and not chance(rng, 0.002):
                seen.add(key)
                yield dose

    @staticmethod
    def _brings_history(rng: Random, person: Person) -> bool:
        return person.became_reason == MOVED_IN and chance(rng, 0.85)

    def _write(self, rng: Random, person: Person, dose: Planned, practice: Practice) -> None:
        vaccine = self._vaccines[dose.vaccine]
        row = DoseRow(person, vaccine, dose.number, dose.day, dose.category)
        elsewhere = person.became_on is not None and dose.day < person.became_on
        if elsewhere:
            self._given_elsewhere(rng, row, dose)
        else:
            self._place(rng, row, person, dose, practice)
        if dose.category is TEMPORARY and not elsewhere:
            row.municipality_code, row.ticket_number = self._municipality_code, ticket_number(person.serial)
        row.lot = lot(rng, self._seed, vaccine, dose.day)
        if chance(rng, 0.03):
            row.remarks = one_of(rng, words("dose_remarks"))
        if chance(rng, 0.016):
            self._irregular(rng, row, person, practice)
        self.doses.append(row.line())

    def _given_elsewhere(self, rng: Random, row: DoseRow, dose: Planned) -> None:
        row.source = "municipality"
        row.institution_name = "他市区町村での接種"
        if dose.category is TEMPORARY:
            row.source = "vrs"
            row.municipality_code = one_of(rng, _OTHER_MUNICIPALITIES)
            row.ticket_number = ticket_number(between(rng, 1, 400_000))

    def _place(self, rng: Random, row: DoseRow, person: Person, dose: Planned, practice: Practice) -> None:
        age = dose.day.year - person.birth.year
        if dose.category is TEMPORARY and age < _GROUP_UNTIL_AGE and chance(rng, 0.45):
            row.delivery, row.institution_name = "group", one_of(rng, words("venues"))
            row.source = "vrs"
            return
        institution = practice.child if age < _SMALL_CHILD else practice.adult
        if institution.valid_to and dose.day > institution.valid_to:
            institution = practice.spare
        row.institution_id = str(institution.id)
        row.physician = institution.physicians[dose.day.toordinal() & 1]
        row.fee = str(fee(rng, row.vaccine))
        if age >= _GROUP_UNTIL_AGE and chance(rng, 0.05):
            row.delivery = "facility"
        elif chance(rng, 0.02):
            row.delivery = one_of(rng, ("wide_area", "out_of_prefecture", "reimbursement"))

    def _irregular(self, rng: Random, row: DoseRow, person: Person, practice: Practice) -> None:
        """Let something happen to a dose that does not happen to most."""
        accident = _ACCIDENTS.pick(rng)
        if accident == "visit":
            self._visit_before(rng, row, person)
        elif accident == "lot":
            row.lot, row.alert, row.alert_reason = NULL, "lot_missing", "医療機関に照会中"
        elif accident == "change":
            self._change_later(rng, row)
        elif accident == "twice":
            self._twice(rng, row, person, practice)
        elif row.vaccine.code in {"mr", "varicella"} and row.number == 1:
            self._too_early(rng, row, person)

    def _visit_before(self, rng: Random, row: DoseRow, person: Person) -> None:
        """Write a visit some days before at which nothing was given."""
        day = row.day - timedelta(days=between(rng, 3, 14))
        if day < person.birth or not row.vaccine.in_force(day):
            return
        visit = DoseRow(person, row.vaccine, row.number, day, row.category)
        visit.judgement = one_of(rng, ("unfit", "deferred", "exam_only"))
        visit.institution_id, visit.institution_name = row.institution_id, row.institution_name
        visit.physician, visit.delivery, visit.source = row.physician, row.delivery, row.source
        visit.municipality_code, visit.ticket_number = row.municipality_code, row.ticket_number
        visit.remarks = one_of(rng, words("unfit_remarks"))
        if visit.judgement == "unfit":
            visit.ineligibility = one_of(rng, ("contraindicated", "disease_history", "interval", "other"))
        self.doses.append(visit.line())

    def _change_later(self, rng: Random, row: DoseRow) -> None:
        """Note a cancellation, or a correction of the lot, made after the dose was recorded."""
        if chance(rng, 0.6):
            change = ("cancelled", row.lot, one_of(rng, _CHANGE_REASONS))
        else:
            change = ("active", lot(rng, self._seed, row.vaccine, row.day), _LOT_CORRECTED)
        self.changes.append(line(row.resident_id, row.vaccine.code, row.number, row.day, *change))

    def _twice(self, rng: Random, row: DoseRow, person: Person, practice: Practice) -> None:
        """Record the same dose on a second day, as happens when two papers come in."""
        day = row.day + timedelta(days=between(rng, 1, 120))
        if day <= (person.ceased_on or self._today) and row.vaccine.in_force(day):
            again = DoseRow(person, row.vaccine, row.number, day, row.category)
            again.institution_id, again.lot = str(practice.spare.id), row.lot
            again.municipality_code, again.ticket_number = row.municipality_code, row.ticket_number
            self.doses.append(again.line())

    @staticmethod
    def _too_early(rng: Random, row: DoseRow, person: Person) -> None:
        row.day = day_age_is_reached(person.birth, 1) - timedelta(days=between(rng, 1, 9))
        row.ineligibility, row.category = "age", DoseCategory.VOLUNTARY
        row.alert, row.alert_reason = "outside_age", "保護者の希望により任意接種として実施"
