"""Giving each dose of a person to the programme it counts in. The order in which doses are told is no matter."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple, TypeAlias

from yvaxportal.programme.bounds import NO_BEGIN
from yvaxportal.programme.exclusions import exclusion
from yvaxportal.programme.periods import Period, lower_ages, periods, periods_of_rule, runs, season_of
from yvaxportal.programme.person import GivenDose, Person
from yvaxportal.programme.reasons import Reason, reason
from yvaxportal.programme.schedule import Programme, Schedule
from yvaxportal.programme.spacing import too_close
from yvaxportal.programme.walk import Place, Walk, places_after
from yvaxportal.values.ages import earliest_after_days_between

Key: TypeAlias = tuple[str, object]

# The better answer first: among programmes that compete for a dose, the one with the best takes it.
_RANK = {
    "valid": 0,
    "unsure": 1,
    "wrong_interval": 2,
    "too_early": 3,
    "too_late": 3,
    "wrong_product": 4,
    "surplus": 5,
    "not_in_programme": 6,
}
# A dose more than a year away from a window was hardly meant for it.
_NEAR_DAYS = 366
_FAR = 7
#: Verdicts after which nothing about the programme is sure.
FLAWS = frozenset({"unsure", "wrong_interval", "too_early", "too_late", "wrong_product"})


class Finding(NamedTuple):
    """What became of one dose."""

    dose: GivenDose
    programme: Programme | None
    counts_as: int | None
    verdict: str
    reasons: tuple[Reason, ...]


class _Offer(NamedTuple):
    """What one programme would make of a dose."""

    programme: Programme
    key: Key
    verdict: str
    reasons: tuple[Reason, ...]
    places: list[Place]
    days: int
    flaw: bool


class History:
    """All doses of a person with an exactly known (or for some programmes unneeded) birth date."""

    def __init__(
        self, schedule: Schedule, person: Person, birth: date | None, doses: Iterable[GivenDose], today: date
    ) -> None:
        self.schedule, self.person, self.birth, self.today = schedule, person, birth, today
        self.doses = sorted(doses, key=_order)
        self.walks: dict[Key, Walk] = {}
        self.findings: list[Finding] = []
        self._following = self._families()
        self._days_of_track: dict[str, list[date]] = {}
        for position, dose in enumerate(self.doses):
            self.findings.append(self._judge(position, dose))

    def walk(self, programme: Programme, key: object = None) -> Walk:
        """Return how far the person has come; ``key`` is the season or pregnancy."""
        found = self.walks.get((programme.code, key))
        return found if found is not None else Walk(programme, self.birth)

    def follows(self, programme: Programme) -> bool:
        """Tell whether the person is not on another programme of the same family."""
        if programme.family is None:
            return True
        chosen = self._following.get(programme.family)
        return chosen is None or programme.code in chosen

    def started(self, programme: Programme) -> bool:
        """Tell whether a dose was given that begins (or belongs to) a programme."""
        if programme.family is not None:
            return programme.code in self._following.get(programme.family, ())
        return any(code == programme.code for code, _ in self.walks)

    def apart_until(self, programme: Programme, walk: Walk) -> date:
        """Return the first day far enough from the last dose of another programme of the track."""
        if programme.apart_days is None:
            return NO_BEGIN
        mine = set(walk.counted)
        others = [day for day in self._days_of_track.get(programme.track, ()) if day not in mine]
        return earliest_after_days_between(others[-1], programme.apart_days) if others else NO_BEGIN

    def _families(self) -> dict[str, frozenset[str]]:
        """Return, for each family in which a dose was given, the programmes of who began with that vaccine."""
        found: dict[str, frozenset[str]] = {}
        for family, programmes in self.schedule.families.items():
            began = frozenset().union(*(programme.begins_with for programme in programmes))
            first = next((dose.vaccine for dose in self.doses if dose.vaccine in began), None)
            if first is not None:
                found[family] = frozenset(one.code for one in programmes if first in one.begins_with)
        return found

    def _judge(self, position: int, dose: GivenDose) -> Finding:
        candidates = self.schedule.by_vaccine.get(dose.vaccine, ())
        if not candidates:
            return Finding(dose, None, None, "not_in_programme", (reason("no_programme", vaccine=dose.vaccine),))
        followed = [one for one in candidates if self._is_on(one, dose)]
        tracks: dict[str, list[_Offer]] = {}
        for programme in followed or candidates:
            tracks.setdefault(programme.track, []).append(self._offer(programme, position, dose))
        taken = [min(offers, key=_rank) for offers in tracks.values()]
        if any(offer.places for offer in taken):
            taken = [offer for offer in taken if _rank(offer)[0] < _FAR]
        findings = [self._take(offer, dose) for offer in taken]
        if dose.given_on <= self.today:
            for track in tracks:
                self._days_of_track.setdefault(track, []).append(dose.given_on)
        return findings[0]

    def _is_on(self, programme: Programme, dose: GivenDose) -> bool:
        if programme.family is None:
            return True
        return programme.code in self._following.get(programme.family, ())

    def _take(self, offer: _Offer, dose: GivenDose) -> Finding:
        """Write a dose down in the programme that got it, and in those that go on from there."""
        walk = self._enter(offer.programme, offer.key)
        number = None
        if offer.places:
            number = walk.count(dose.given_on, offer.places)
        elif offer.verdict in FLAWS and dose.given_on <= self.today:
            walk.note_given(dose.given_on)
        if offer.flaw:
            walk.flawed.extend(offer.reasons)
        elif offer.reasons:
            walk.notes.extend(offer.reasons)
        for programme in self.schedule.programmes.values():
            if offer.programme.code in programme.continues:
                self._pass_on(programme, dose, offer)
        return Finding(dose, offer.programme, number, offer.verdict, offer.reasons)

    def _pass_on(self, programme: Programme, dose: GivenDose, offer: _Offer) -> None:
        walk = self._enter(programme, (programme.code, None))
        if offer.places:
            answers = walk.answers(dose.given_on, dose.vaccine)
            places = places_after(answers)
            if places:
                walk.count(dose.given_on, places)
            elif not walk.complete:
                walk.note_given(dose.given_on)
                walk.flawed.extend(answer.against for answer in answers[:1] if answer.against)
        elif offer.verdict in FLAWS:
            walk.note_given(dose.given_on)
        if offer.flaw:
            walk.flawed.extend(offer.reasons)

    def _enter(self, programme: Programme, key: Key) -> Walk:
        found = self.walks.get(key)
        if found is None:
            found = self.walks[key] = Walk(programme, self.birth)
        return found

    def _offer(self, programme: Programme, position: int, dose: GivenDose) -> _Offer:
        day = dose.given_on
        doubt = self._doubt(dose)
        if doubt is not None:
            return _Offer(programme, self._key(programme, day, ()), "unsure", (doubt,), [], 0, True)
        legal = periods(programme, self.birth, self.person, self.doses[:position], day)
        key = self._key(programme, day, legal)
        walk = self.walks.get(key) or Walk(programme, self.birth)
        private = not self._is_public(programme, dose)
        if refusal := self._refusal(programme, dose, legal, walk, self.doses[:position]):
            verdict, why, days = refusal
            flaw = verdict in FLAWS and not (private and verdict == "too_early")
            return _Offer(programme, key, verdict, (why,), [], days, flaw)
        if private and programme.voluntary != "counts":
            flaw = programme.voluntary == "doubtful"
            return _Offer(programme, key, "not_in_programme", (reason("private", day=day),), [], 0, flaw)
        return self._by_course(programme, key, walk, position, dose)

    def _by_course(
        self, programme: Programme, key: Key, walk: Walk, position: int, dose: GivenDose
    ) -> _Offer:
        day = dose.given_on
        answers = walk.answers(day, dose.vaccine)
        if not answers and not walk.complete:
            why = reason("mixed_vaccines", programme.rules[-1].citations[0])
            return _Offer(programme, key, "wrong_product", (why,), [], 0, True)
        if walk.complete or answers[0].verdict == "surplus":
            same_day = day in walk.counted
            why = reason("same_day", day=day) if same_day else reason("surplus", number=walk.next_number)
            return _Offer(programme, key, "surplus", (why,), [], 0, same_day)
        accepted = [answer for answer in answers if answer.place is not None]
        if not accepted:
            open_yet = [answer for answer in answers if answer.verdict != "surplus"]
            first = min(open_yet or answers, key=lambda answer: answer.days)
            if first.against is None:
                raise ValueError("a refusal has a reason")
            if day in walk.counted:
                why = reason("same_day", day=day)
                return _Offer(programme, key, "surplus", (why,), [], first.days, True)
            return _Offer(programme, key, first.verdict, (first.against,), [], first.days, True)
        apart = self.apart_until(programme, walk)
        if day < apart:
            days, number = (apart - day).days, walk.next_number
            citation = accepted[0].place.course.citations[0] if accepted[0].place else None
            why = reason("interval_short", citation, number=number, days=days, day=apart)
            return _Offer(programme, key, "wrong_interval", (why,), [], days, True)
        close = too_close(self.schedule, dose, self.doses[:position])
        if close is not None:
            # Where the rule was given up since then, the dose counts all the same.
            spacing, why, short = close
            still = spacing.valid_to is None or self.today <= spacing.valid_to
            places = [] if still else places_after(accepted)
            return _Offer(programme, key, "wrong_interval", (why,), places, short, still)
        reasons = [answer.against for answer in accepted if answer.against is not None]
        sure = [answer for answer in accepted if answer.verdict == "valid"]
        if sure:
            accepted, reasons = sure, []
        number = self._number_in_doubt(programme, walk, dose, accepted[0].place)
        if number is not None:
            reasons.append(number)
        if reasons:
            return _Offer(programme, key, "unsure", tuple(reasons), places_after(accepted), 0, True)
        if self._is_public(programme, dose):
            return _Offer(programme, key, "valid", (), places_after(accepted), 0, False)
        if dose.category in _PUBLIC or not self._is_routine(programme, dose):
            vaccine = self.schedule.catalogue.vaccines[dose.vaccine]
            why = reason("not_routine", vaccine=vaccine.name_en, vaccine_ja=vaccine.name_ja, day=day)
            return _Offer(programme, key, "not_in_programme", (why,), places_after(accepted), 0, False)
        notes = (reason("private_counts", day=day),)
        return _Offer(programme, key, "valid", notes, places_after(accepted), 0, False)

    def _is_routine(self, programme: Programme, dose: GivenDose) -> bool:
        """Tell whether a dose can have been one of the programme, whatever the record calls it."""
        day = dose.given_on
        vaccine = self.schedule.catalogue.vaccines[dose.vaccine]
        return vaccine.is_routine(day) and programme.rule_on(day) is not None

    def _is_public(self, programme: Programme, dose: GivenDose) -> bool:
        return dose.category in _PUBLIC and self._is_routine(programme, dose)

    def _doubt(self, dose: GivenDose) -> Reason | None:
        if dose.given_on > self.today:
            return reason("in_the_future", day=dose.given_on)
        if self.birth is not None and dose.given_on < self.birth:
            return reason("before_birth", day=dose.given_on, days=(self.birth - dose.given_on).days)
        return None

    def _number_in_doubt(
        self, programme: Programme, walk: Walk, dose: GivenDose, place: Place | None
    ) -> Reason | None:
        if dose.dose_number is None or programme.per == "season" or place is None:
            return None
        expected = walk.next_number
        allowed = {expected, programme.first_number + place.index - 1}
        if dose.dose_number in allowed or walk.flawed:
            return None
        if dose.dose_number < expected:
            return reason("number_twice", number=dose.dose_number)
        return reason("number_missing", number=expected)

    def _refusal(
        self,
        programme: Programme,
        dose: GivenDose,
        legal: Sequence[Period],
        walk: Walk,
        before: Sequence[GivenDose],
    ) -> tuple[str, Reason, int] | None:
        """Return verdict, reason and days when the dose cannot be one of the programme at all."""
        day = dose.given_on
        if not self.follows(programme):
            return "wrong_product", reason("begun_with_other", programme.rules[-1].citations[0]), 0
        if excluded := exclusion(programme, self.person, day):
            return "not_in_programme", excluded, 0
        if not legal and self._only_unknown(programme, day):
            return "unsure", reason("needs_unknown", programme.rules[-1].citations[0]), 0
        if not legal:
            return "not_in_programme", reason("not_in_cohort", programme.rules[-1].citations[0]), 0
        if not self._is_public(programme, dose):
            return self._private_refusal(programme, day, legal)
        if walk.complete:
            return None
        return self._outside(walk, day, legal, before) or self._product(programme, dose, legal)

    def _only_unknown(self, programme: Programme, day: date) -> bool:
        """Tell whether somebody would be a target if only what the rule asks for were recorded."""
        rule = programme.rule_on(day)
        if rule is None or not any(target.needs for target in rule.targets):
            return False
        if programme.sex is not None and self.person.sex != programme.sex:
            return False
        free = replace(rule, targets=tuple(replace(target, needs=frozenset()) for target in rule.targets))
        found = periods_of_rule(free, self.birth, self.person, self.doses, day)
        return any(period.first <= day <= period.last for period in found)

    def _private_refusal(
        self, programme: Programme, day: date, legal: Sequence[Period]
    ) -> tuple[str, Reason, int] | None:
        if self.birth is None or programme.per == "pregnancy":
            return None
        first = lower_ages(programme, self.birth)
        if day >= first:
            return None
        days = (first - day).days
        citation = legal[0].rule.citations[0]
        return "too_early", reason("private_too_early", citation, days=days, day=first), days

    def _outside(
        self, walk: Walk, day: date, legal: Sequence[Period], before: Sequence[GivenDose]
    ) -> tuple[str, Reason, int] | None:
        if any(period.first <= day <= period.last for period in legal):
            return None
        # A dose is judged by the version in force on its day, as if that were to stay.
        rule = walk.programme.rule_on(day)
        current = periods_of_rule(rule, self.birth, self.person, before, day) if rule else []
        current.extend(period for period in legal if period.illness)
        windows = runs(sorted(current, key=lambda period: (period.first, period.last)))
        if not windows:
            return "not_in_programme", reason("not_in_cohort", legal[-1].rule.citations[0]), 0
        options = []
        for run in windows:
            period = run.periods[0] if day < run.first else run.periods[-1]
            citation = period.rule.citations[0]
            number = walk.next_number
            if day < run.first:
                days = (run.first - day).days
                age = period.target.first if period.target else None
                by_age = (
                    age is not None
                    and self.birth is not None
                    and age.day(self.birth, last=False) == run.first
                )
                why = (
                    reason("too_early", citation, number=number, days=days, day=run.first, age=age)
                    if by_age and age is not None
                    else reason("too_early_day", citation, number=number, days=days, day=run.first)
                )
                options.append((days, "too_early", why))
            else:
                days = (day - run.last).days
                why = reason("too_late", citation, number=number, days=days, day=run.last)
                options.append((days, "too_late", why))
        days, verdict, why = min(options, key=lambda option: option[0])
        return verdict, why, days

    def _product(
        self, programme: Programme, dose: GivenDose, legal: Sequence[Period]
    ) -> tuple[str, Reason, int] | None:
        if is_allowed(self.schedule, programme, dose.vaccine, dose.given_on, self.birth):
            return None
        vaccine = self.schedule.catalogue.vaccines[dose.vaccine]
        citation = legal[-1].rule.citations[0]
        why = reason("wrong_product", citation, vaccine=vaccine.name_en, vaccine_ja=vaccine.name_ja, day=dose.given_on)
        return "wrong_product", why, 0

    def _key(self, programme: Programme, day: date, legal: Sequence[Period]) -> Key:
        return programme.code, instance(programme, day, legal)


_PUBLIC = frozenset({"routine", "temporary"})


def instance(programme: Programme, day: date, legal: Sequence[Period]) -> object:
    """Return what the doses of a programme are counted in on a day: the season, the pregnancy, or None."""
    if programme.per == "life":
        return None
    if programme.per == "season":
        season = next((rule.season for rule in reversed(programme.rules) if rule.season), None)
        return season_of(season, day) if season else None
    near = [run for run in runs(legal) if run.first <= day]
    return near[-1].first if near else None


def is_allowed(
    schedule: Schedule, programme: Programme, vaccine: str, day: date, birth: date | None
) -> bool:
    """Tell whether a vaccine was one of the programme's on a day, for somebody of that age."""
    known = schedule.catalogue.vaccines[vaccine]
    if not known.is_routine(day):
        return False
    product = (programme.products or {}).get(vaccine)
    if product is None or birth is None:
        return True
    if product.first is not None and day < product.first.day(birth, last=False):
        return False
    return product.last is None or day <= product.last.day(birth, last=True)


def _rank(offer: _Offer) -> tuple[int, int]:
    far = offer.verdict in {"too_early", "too_late"} and offer.days > _NEAR_DAYS
    return _FAR if far else _RANK[offer.verdict], offer.days


def _order(dose: GivenDose) -> tuple[date, int, str, str]:
    return dose.given_on, dose.dose_number or 0, dose.vaccine, dose.category


