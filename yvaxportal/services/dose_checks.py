"""Judging a dose before it is saved: what is impossible (errors) and what is risky (alerts). No database."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

from yvaxportal.models.codes import (
    DoseCategory,
    Judgement,
    RecordGroup,
    ResidentCategory,
    VaccinationStatus,
)
from yvaxportal.programme.catalogue import Catalogue, Vaccine
from yvaxportal.programme.judging import Judged, judge, judge_one
from yvaxportal.programme.person import GivenDose
from yvaxportal.programme.person import Person as RulePerson
from yvaxportal.programme.schedule import Schedule
from yvaxportal.services.dose_course import same_course
from yvaxportal.services.dose_draft import DoseDraft, OtherDose, Person, Place
from yvaxportal.services.dose_findings import Collector, DoseAlert, DoseError, Findings
from yvaxportal.values.ages import earliest_after_days_between
from yvaxportal.values.checkdigits import is_institution_code, is_municipality_code
from yvaxportal.values.text import contains_personal_number

#: 注射生ワクチン同士は27日以上の間隔 (予防接種実施規則, 定期接種実施要領; since 2020-10-01).
LIVE_INTERVAL_DAYS = 27

_TICKET_DIGITS = 10
_COVID_ITEMS = (
    "ticket_number",
    "municipality_code",
    "vaccination_status",
    "manufacturer",
    "vaccine_kind",
    "product_name",
)
_IN_PROGRAMME = frozenset({DoseCategory.ROUTINE, DoseCategory.TEMPORARY})
# Reasons that other alerts tell in words of their own, and what the portal has no record of.
_TOLD_ELSEWHERE = frozenset({"number_missing", "number_twice", "same_day", "needs_unknown", "no_programme"})
_LEFT = frozenset({ResidentCategory.MOVED_OUT, ResidentCategory.REMOVED})


def check_dose(
    draft: DoseDraft,
    person: Person,
    other_doses: Sequence[OtherDose],
    schedule: Schedule,
    today: date,
    *,
    place: Place | None = None,
) -> Findings:
    """Return all errors and alerts of a draft.

    :param other_doses: the person's other active doses, in any order; without the dose that is corrected.
    :param place: the institution that the draft's code names, None when the list has no such code.
    """
    found = Collector()
    catalogue = schedule.catalogue
    vaccine = catalogue.get(draft.vaccine)
    if vaccine is None:
        found.add(DoseError.UNKNOWN_VACCINE, "vaccine")
    else:
        _check_vaccine(found, draft, vaccine)
    _check_day(found, draft, person, today)
    if vaccine is not None:
        _check_course(found, draft, vaccine, other_doses, catalogue)
        _check_live_interval(found, draft, vaccine, other_doses, catalogue)
        judged = partial(judged_draft, draft, person, other_doses, schedule, today, explained=False)
        _check_programme(found, draft, person.birth_date, judged)
        _check_covid_items(found, draft, vaccine)
    _check_residence(found, draft, person)
    _check_place(found, draft, place)
    if draft.judgement is Judgement.GIVEN:
        if not draft.lot_number:
            found.add(DoseAlert.LOT_MISSING, "lot_number")
        if draft.ineligibility_judgement is not None and draft.dose_category in _IN_PROGRAMME:
            found.add(DoseAlert.INELIGIBLE_ROUTINE, "dose_category")
    if draft.identity_method is None or draft.identity_document is None:
        found.add(DoseError.IDENTITY_MISSING, "identity_method")
    for item, text in draft.texts().items():
        if contains_personal_number(text):
            found.add(DoseError.PERSONAL_NUMBER, item)
    return found.findings()


def _check_vaccine(found: Collector, draft: DoseDraft, vaccine: Vaccine) -> None:
    if draft.given_on < vaccine.valid_from:
        found.add(DoseError.VACCINE_NOT_YET, "vaccine", vaccine=vaccine.code, first=vaccine.valid_from)
    elif vaccine.valid_to is not None and draft.given_on > vaccine.valid_to:
        found.add(DoseAlert.VACCINE_ENDED, "vaccine", vaccine=vaccine.code, last=vaccine.valid_to)
    if not 1 <= draft.dose_number <= vaccine.doses:
        found.add(DoseError.NUMBER_BEYOND_SERIES, "dose_number", vaccine=vaccine.code, last=vaccine.doses)
    if draft.lot_number and not vaccine.is_lot_number(draft.lot_number):
        found.add(DoseError.LOT_FORMAT, "lot_number", vaccine=vaccine.code)
    if draft.pneumococcal_type is not None and draft.pneumococcal_type != vaccine.pneumococcal_type:
        found.add(DoseError.PNEUMOCOCCAL_TYPE, "pneumococcal_type", vaccine=vaccine.code)


def _check_day(found: Collector, draft: DoseDraft, person: Person, today: date) -> None:
    if draft.given_on > today:
        found.add(DoseError.IN_FUTURE, "given_on", today=today)
    if person.born is not None and draft.given_on < person.born.earliest:
        found.add(DoseError.BEFORE_BIRTH, "given_on", born=str(person.born))
    if person.category is ResidentCategory.DECEASED:
        if person.left_on is None:
            found.add(DoseAlert.LEAVING_DAY_UNKNOWN, "given_on")
        elif draft.given_on > person.left_on:
            found.add(DoseError.AFTER_DEATH, "given_on", died=person.left_on)


def _check_course(
    found: Collector,
    draft: DoseDraft,
    vaccine: Vaccine,
    others: Sequence[OtherDose],
    catalogue: Catalogue,
) -> None:
    """Find doubles; and, for a dose that was given, numbers left out and numbers against the days."""
    doubles = [
        other
        for other in others
        if other.given_on == draft.given_on
        and other.judgement is draft.judgement
        and _series(other, catalogue) == vaccine.series
    ]
    if doubles:
        first = min(doubles, key=lambda other: other.id)
        found.add(DoseError.DOUBLE_DAY, "given_on", vaccine=first.vaccine, dose=first.id)
    if draft.judgement is not Judgement.GIVEN:
        return
    course = [
        other for other in same_course(vaccine, draft.given_on, others, catalogue) if other not in doubles
    ]
    same_number = [other for other in course if other.dose_number == draft.dose_number]
    if same_number:
        first = min(same_number, key=lambda other: other.id)
        found.add(
            DoseError.DOUBLE_NUMBER,
            "dose_number",
            vaccine=first.vaccine,
            dose=first.id,
            given=first.given_on,
            number=first.dose_number,
        )
    earlier = [other for other in course if other.dose_number < draft.dose_number]
    if draft.dose_number - 1 not in {0, *(other.dose_number for other in earlier)}:
        found.add(DoseAlert.NUMBER_GAP, "dose_number", missing=draft.dose_number - 1)
    against = [
        other
        for other in course
        if (other.dose_number - draft.dose_number) * (other.given_on - draft.given_on).days < 0
    ]
    if against:
        odd = min(against, key=lambda other: (abs(other.dose_number - draft.dose_number), other.dose_number))
        found.add(DoseAlert.NUMBER_ORDER, "dose_number", number=odd.dose_number, given=odd.given_on)


def _series(other: OtherDose, catalogue: Catalogue) -> str:
    vaccine = catalogue.get(other.vaccine)
    return vaccine.series if vaccine else other.vaccine


def _check_live_interval(
    found: Collector,
    draft: DoseDraft,
    vaccine: Vaccine,
    others: Sequence[OtherDose],
    catalogue: Catalogue,
) -> None:
    """Alert when another injected live vaccine was given fewer than 27 full days before or after."""
    if not (draft.judgement is Judgement.GIVEN and vaccine.live and vaccine.injectable):
        return
    near = []
    for other in others:
        known = catalogue.get(other.vaccine)
        if other.judgement is not Judgement.GIVEN or not (known and known.live and known.injectable):
            continue
        first, second = sorted((other.given_on, draft.given_on))
        missing = (earliest_after_days_between(first, LIVE_INTERVAL_DAYS) - second).days
        if first != second and missing > 0:
            near.append((-missing, other.given_on, other.vaccine))
    if near:
        missing, given, code = min(near)
        found.add(DoseAlert.LIVE_INTERVAL, "given_on", missing=-missing, given=given, vaccine=code)


def _check_programme(
    found: Collector, draft: DoseDraft, birth: date | None, judged: Callable[[], Judged]
) -> None:
    """Alert when the rules in force on the day do not allow the dose (age, interval, product, number)."""
    if birth is None:
        found.add(DoseAlert.AGE_UNKNOWN, "given_on")
        return
    counted = draft.judgement is Judgement.GIVEN and draft.dose_category in _IN_PROGRAMME
    if not counted or found.has(DoseError.BEFORE_BIRTH, DoseError.IN_FUTURE, DoseError.DOUBLE_NUMBER):
        return
    answer = judged()
    for why in answer.reasons if answer.verdict != "valid" else ():
        # Numbers and live vaccines have alerts of their own; what nobody can have entered yet is none.
        told = found.has(DoseAlert.LIVE_INTERVAL) if why.code == "too_close" else why.code in _TOLD_ELSEWHERE
        if not told:
            cited = (f" ({why.citation})", f"（{why.citation}）") if why.citation else ("", "")
            found.add(
                DoseAlert.OUTSIDE_AGE,
                "given_on",
                reason_en=why.en + cited[0],
                reason_ja=why.ja + cited[1],
            )


def judged_draft(
    draft: DoseDraft,
    person: Person,
    others: Sequence[OtherDose],
    schedule: Schedule,
    today: date,
    *,
    explained: bool = True,
) -> Judged:
    """Return what the programme's rules say of a draft, together with the other doses that were given.

    :param explained: say of a valid dose, too, why it is; without it an answer takes a fraction of the time.
    """
    new = GivenDose(draft.vaccine, draft.given_on, draft.dose_number, draft.dose_category.value)
    given = [
        GivenDose(other.vaccine, other.given_on, other.dose_number, other.dose_category.value)
        for other in others
        if other.judgement is Judgement.GIVEN
    ]
    whose = RulePerson(person.born, person.sex, person.circumstances)
    if explained:
        return judge(schedule, whose, [*given, new], today)[-1]
    return judge_one(schedule, whose, given, new, today)


def _check_residence(found: Collector, draft: DoseDraft, person: Person) -> None:
    """Alert when the person was no resident on the day, and remind of a support measure (M03)."""
    if person.category in _LEFT:
        if person.left_on is None:
            found.add(DoseAlert.LEAVING_DAY_UNKNOWN, "given_on")
        elif draft.given_on > person.left_on:
            found.add(DoseAlert.AFTER_LEAVING, "given_on", left=person.left_on)
    if person.category is ResidentCategory.NON_REGISTERED:
        found.add(DoseAlert.NOT_REGISTERED, "vaccine")
    elif person.became_resident_on is not None and draft.given_on < person.became_resident_on:
        found.add(DoseAlert.BEFORE_RESIDENCE, "given_on", since=person.became_resident_on)
    if person.support_measure:
        found.add(DoseAlert.SUPPORT_MEASURE, "vaccine")


def _check_place(found: Collector, draft: DoseDraft, place: Place | None) -> None:
    if draft.institution_code is not None and not is_institution_code(draft.institution_code):
        found.add(DoseError.INSTITUTION_CODE, "institution")
    elif draft.institution_code is not None and place is None:
        found.add(DoseError.INSTITUTION_UNKNOWN, "institution")
    elif place is not None and draft.given_on < place.valid_from:
        found.add(DoseAlert.INSTITUTION_NOT_YET, "institution", first=place.valid_from)
    elif place is not None and place.valid_to is not None and draft.given_on > place.valid_to:
        found.add(DoseAlert.INSTITUTION_CLOSED, "institution", last=place.valid_to)
    elif place is None and not draft.institution_name and draft.judgement is Judgement.GIVEN:
        found.add(DoseAlert.INSTITUTION_MISSING, "institution")


def _check_covid_items(found: Collector, draft: DoseDraft, vaccine: Vaccine) -> None:
    if vaccine.record_group != RecordGroup.COVID19:
        given = [item for item in _COVID_ITEMS if getattr(draft, item) is not None]
        if given:
            found.add(DoseError.COVID_ITEMS, given[0], vaccine=vaccine.code)
        return
    ticket = draft.ticket_number
    if ticket is not None and not (ticket.isascii() and ticket.isdigit() and len(ticket) == _TICKET_DIGITS):
        found.add(DoseError.TICKET_NUMBER, "ticket_number")
    if draft.municipality_code is not None and not is_municipality_code(draft.municipality_code):
        found.add(DoseError.MUNICIPALITY_CODE, "municipality_code")
    done = draft.vaccination_status is VaccinationStatus.DONE
    if draft.vaccination_status is not None and done is not (draft.judgement is Judgement.GIVEN):
        found.add(DoseError.STATUS_CONTRADICTS, "vaccination_status")
