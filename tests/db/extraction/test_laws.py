"""The funnel against the plainest program: one person after the other, one rule after the other."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.db.extraction.lists import SCHEDULE, holds, outcome, run, special
from tests.details import clerk
from tests.doses import given as doses_given
from tests.people import TODAY, resident
from yvaxportal.models.circumstance import SpecialCircumstance
from yvaxportal.models.codes import (
    CircumstanceKind,
    DoseState,
    EligibilityKind,
    EligibilityState,
    ResidentCategory,
)
from yvaxportal.models.dose import Dose
from yvaxportal.models.resident import Eligibility, Resident, ResidentContact
from yvaxportal.programme.forecasting import Forecast, forecast
from yvaxportal.programme.person import Circumstance, GivenDose, Person
from yvaxportal.programme.targets import targets
from yvaxportal.services.circumstances import organ_in
from yvaxportal.services.extraction.criteria import Criteria, Wanted
from yvaxportal.services.extraction.rules import Rule
from yvaxportal.values.wareki import parse_date

QUIET = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=120,
    deadline=None,
)
TOWNS = ("0001001", "0001002", None)
BIRTHS = (
    *("2020-04-02", "2020-09-30", "2021-04-01", "2020-12-00", "2018-05-05"),
    *("1961-11-24", "1964-06-01", "2026-07-01"),
)

people = st.fixed_dictionaries(
    {
        "born": st.sampled_from(BIRTHS),
        "town": st.sampled_from(TOWNS),
        "protected": st.booleans(),
        "came": st.sampled_from([None, date(2022, 4, 1), date(2026, 11, 1), date(2026, 12, 1)]),
        "left": st.sampled_from([None, date(2026, 11, 20), date(2026, 11, 24), date(2027, 1, 5)]),
        "category": st.sampled_from(
            [ResidentCategory.RESIDENT] * 3 + [ResidentCategory.MOVED_OUT, ResidentCategory.DECEASED]
        ),
        "assisted": st.sampled_from([None, EligibilityState.HELD, EligibilityState.NOT_HELD]),
        "certificate": st.sampled_from([None, "1級（心臓機能障害）", "1級"]),
        "doses": st.lists(
            st.tuples(
                st.sampled_from(
                    ["mr", "measles", "varicella", "pneumococcal_20", "influenza", "rotavirus_1"]
                ),
                st.dates(date(2021, 4, 1), TODAY),
            ),
            max_size=4,
            unique=True,
        ),
        "special": st.lists(
            st.tuples(
                st.sampled_from(
                    [
                        (CircumstanceKind.DISEASE_HISTORY, "measles"),
                        (CircumstanceKind.DISEASE_HISTORY, "rubella"),
                        (CircumstanceKind.CONTRAINDICATION, ""),
                        (CircumstanceKind.RISK_GROUP, "kidney"),
                        (CircumstanceKind.LONG_ILLNESS, ""),
                        (CircumstanceKind.NO_INVITATION, ""),
                    ]
                ),
                st.sampled_from([None, date(2025, 1, 1)]),
                st.sampled_from([None, date(2026, 6, 1), date(2026, 12, 31)]),
            ),
            max_size=2,
        ),
    }
)
questions = st.builds(
    Criteria,
    programme=st.sampled_from(["mr2", "pneumococcal_elderly", "rotavirus"]),
    reference_date=st.sampled_from([TODAY, date(2026, 11, 1)]),
    due_until=st.sampled_from([TODAY, date(2027, 3, 31)]),
    extended=st.booleans(),
    towns=st.sampled_from([(), ("0001001",)]),
    public_assistance=st.sampled_from(list(Wanted)),
    doses=st.booleans(),
    circumstances=st.booleans(),
    no_invitation=st.booleans(),
    moved_in_since=st.sampled_from([None, date(2022, 4, 1)]),
    still_resident=st.booleans(),
)


@QUIET
@given(crowd=st.lists(people, min_size=1, max_size=8), criteria=questions)
def test_the_funnel_says_what_a_plain_program_says(
    db: Session, crowd: list[dict[str, Any]], criteria: Criteria
) -> None:
    with db.begin_nested() as savepoint:
        staff = clerk(db)
        made = [settle(db, staff, said) for said in crowd]
        found = run(db, criteria)
        plain = Plain(db, criteria)
        expected = {person.id: plain.ask(person) for person in made}
        got = outcome(found)
        for number, answer in expected.items():
            if answer == "outside":
                # The base cohort may be wider than the targets, never narrower.
                assert got.get(number, Rule.AGE) is Rule.AGE
            else:
                assert got[number] == answer, (crowd, criteria)
        kept = [one for one in found.candidates if one.excluded_by is None]
        out = [one for one in found.candidates if one.excluded_by is not None]
        assert len(kept) + len(out) == found.base == found.left + sum(step.out for step in found.steps)
        assert found.left == len(kept)
        savepoint.rollback()


def settle(db: Session, staff: int, said: dict[str, Any]) -> Resident:
    person = resident(
        db,
        born=said["born"],
        support_measure_flag=said["protected"],
        became_resident_on=said["came"],
        became_resident_reason="国内転入" if said["came"] else "出生",
        ceased_resident_on=said["left"],
        resident_category=said["category"],
        contact={"address_town_code": said["town"]},
    )
    if said["assisted"]:
        holds(db, person, EligibilityKind.PUBLIC_ASSISTANCE, said["assisted"])
    if said["certificate"]:
        certificate = EligibilityKind.PHYSICAL_DISABILITY_CERTIFICATE
        holds(db, person, certificate, EligibilityState.HELD, detail=said["certificate"])
    numbered = [(vaccine, place + 1, day.isoformat()) for place, (vaccine, day) in enumerate(said["doses"])]
    db.add_all(doses_given(person, *numbered))
    for (kind, subject), starts_on, ends_on in said["special"]:
        special(db, person, kind, staff, subject, starts_on=starts_on, ends_on=ends_on)
    db.flush()
    return person


class Plain:
    """The rules in the order of docs/extraction.md, written down again without any cleverness."""

    def __init__(self, db: Session, criteria: Criteria) -> None:
        self.db, self.criteria = db, criteria
        self.day = criteria.reference_date

    def ask(self, person: Resident) -> Rule | str | None:
        self.person = person
        self.contact = self.db.get_one(ResidentContact, person.id)
        everything = self.circumstances(person)
        positive = [one for one in everything if one.kind not in {"disease_history", "contraindication"}]
        doses = self.doses_of(person) if self.criteria.doses else []
        self.targets = [self.forecast(person, positive, some) for some in ([], self.doses_of(person))]
        self.answer = self.forecast(person, everything, doses)
        self.without = self.forecast(person, positive, doses)
        self.was_ill = any(one.kind == "long_illness" for one in positive)
        if self.is_outside():
            return "outside"
        rules = (
            (Rule.AREA, self.lives_elsewhere),
            (Rule.PUBLIC_ASSISTANCE, self.is_not_wanted_by_assistance),
            (Rule.DONE, self.is_done),
            (Rule.NOT_YET_DUE, self.is_not_due),
            (Rule.CIRCUMSTANCES, self.is_held_back),
            (Rule.NO_INVITATION, self.is_silent),
            (Rule.MOVED_IN, self.did_not_move_in),
            (Rule.GONE, self.is_gone),
        )
        return next((rule for rule, takes_out in rules if takes_out()), None)

    def is_outside(self) -> bool:
        missed = self.person.date_of_birth_written == "2018-05-05" and self.criteria.programme == "mr2"
        if missed and not self.criteria.extended and not self.was_ill:
            return True
        by_age, by_doses = (self.is_open(target) or target.status == "done" for target in self.targets)
        # A course that doses keep open is none of this list's when the time for it is long over.
        is_target = by_age or (by_doses and self.is_of_the_years())
        return not lived_here(self.person, self.day) or not is_target

    def is_of_the_years(self) -> bool:
        """Tell whether the person may be born when the programme's targets of the time were."""
        programme = SCHEDULE.get(self.criteria.programme)
        birth = parse_date(self.person.date_of_birth_written)
        assert programme is not None
        assert birth is not None
        cohort = targets(programme, self.day, self.criteria.due_until)
        years = (*cohort.born, *cohort.extended, *cohort.risk_born)
        was_born = any(birth.latest >= first and birth.earliest <= last for first, last in years)
        return was_born or (self.was_ill and cohort.long_illness)

    def lives_elsewhere(self) -> bool:
        towns = self.criteria.towns
        if not towns or self.person.support_measure_flag:
            return False
        return self.contact.address_town_code not in towns

    def is_not_wanted_by_assistance(self) -> bool:
        wanted = self.criteria.public_assistance
        return wanted is not Wanted.ANY and self.assisted(self.person) != (wanted is Wanted.HELD)

    def is_done(self) -> bool:
        return self.criteria.doses and (self.answer.status == "done" or self.had_since(self.person))

    def is_not_due(self) -> bool:
        return self.criteria.doses and not self.is_open(self.answer) and not self.is_open(self.without)

    def is_held_back(self) -> bool:
        held = not self.is_open(self.answer) and self.answer.status != "done"
        return self.criteria.circumstances and held and self.is_open(self.without)

    def did_not_move_in(self) -> bool:
        since, person = self.criteria.moved_in_since, self.person
        if since is None:
            return False
        came = person.became_resident_on
        return person.became_resident_reason == "出生" or came is None or came < since

    def is_gone(self) -> bool:
        return self.criteria.still_resident and not lived_here(self.person, TODAY, now=True)

    def forecast(
        self, person: Resident, special: Sequence[Circumstance], doses: Sequence[GivenDose]
    ) -> Forecast:
        written = parse_date(person.date_of_birth_written)
        assert written is not None
        who = Person(written.exact or written, person.sex.value, tuple(special))
        return forecast(SCHEDULE, who, doses, self.day, {self.criteria.programme})[0]

    def is_open(self, answer: Forecast) -> bool:
        if answer.status in {"due", "overdue", "doubtful"}:
            return True
        coming = answer.status == "soon" or answer.reasons[0].code == "not_yet"
        return coming and answer.earliest is not None and answer.earliest <= self.criteria.due_until

    def doses_of(self, person: Resident) -> list[GivenDose]:
        rows = self.db.scalars(
            select(Dose)
            .where(Dose.resident_id == person.id, Dose.state == DoseState.ACTIVE, Dose.given_on <= self.day)
            .order_by(Dose.given_on, Dose.id)
        )
        return [
            GivenDose(one.vaccine, one.given_on, one.dose_number, one.dose_category.value) for one in rows
        ]

    def had_since(self, person: Resident) -> bool:
        """Tell whether a dose of the programme was given between the reference date and now."""
        programme = SCHEDULE.get(self.criteria.programme)
        assert programme is not None
        rows = self.db.scalars(select(Dose).where(Dose.resident_id == person.id))
        return any(one.vaccine in programme.vaccines and self.day < one.given_on <= TODAY for one in rows)

    def circumstances(self, person: Resident) -> list[Circumstance]:
        rows = self.db.scalars(
            select(SpecialCircumstance)
            .where(SpecialCircumstance.resident_id == person.id)
            .order_by(SpecialCircumstance.id)
        )
        found = [
            Circumstance(one.kind.value, one.subject, one.starts_on, one.ends_on)  # type: ignore[arg-type]
            for one in rows
            if one.kind is not CircumstanceKind.NO_INVITATION
        ]
        certificates = self.db.scalars(
            select(Eligibility).where(
                Eligibility.resident_id == person.id,
                Eligibility.kind == EligibilityKind.PHYSICAL_DISABILITY_CERTIFICATE,
            )
        )
        for one in certificates:
            organ = organ_in(one.detail)
            if organ:
                found.append(Circumstance("risk_group", organ, one.valid_from, one.valid_to))
        return found

    def assisted(self, person: Resident) -> bool:
        row = self.db.scalars(
            select(Eligibility).where(
                Eligibility.resident_id == person.id, Eligibility.kind == EligibilityKind.PUBLIC_ASSISTANCE
            )
        ).one_or_none()
        return row is not None and row.state is EligibilityState.HELD

    def is_silent(self) -> bool:
        rows = self.db.scalars(
            select(SpecialCircumstance).where(
                SpecialCircumstance.resident_id == self.person.id,
                SpecialCircumstance.kind == CircumstanceKind.NO_INVITATION,
            )
        )
        return self.criteria.no_invitation and any(
            (one.starts_on is None or one.starts_on <= self.day)
            and (one.ends_on is None or one.ends_on >= self.day)
            for one in rows
        )


def lived_here(person: Resident, day: date, *, now: bool = False) -> bool:
    """Walk through a life: in from the day of coming, out from the day of leaving."""
    came, left = person.became_resident_on, person.ceased_resident_on
    if came is not None and came > day:
        return False
    gone = left is not None and left <= day and (came is None or left > came)
    if person.resident_category is ResidentCategory.RESIDENT:
        return not gone
    if now:
        return False
    return left is not None and left - timedelta(days=1) >= day
