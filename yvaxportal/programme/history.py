"""Giving each dose of a person to the programme it counts in, whatever order the doses are told in."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple, TypeAlias

from yvaxportal.programme.bounds import NO_BEGIN, NO_END
from yvaxportal.programme.exclusions import exclusion
from yvaxportal.programme.periods import Period, Run, lower_ages, periods, periods_of_rule, runs, season_of
from yvaxportal.programme.person import GivenDose, Person
from yvaxportal.programme.reasons import Reason, reason
from yvaxportal.programme.schedule import Programme, Schedule
from yvaxportal.programme.spacing import too_close
from yvaxportal.programme.walk import Answer, Place, Walk, places_after
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
    """All doses of a person with an exactly known (or for some programmes unneeded) birth date.

    For very many people less is looked at: ``only`` these programmes, and only doses of the vaccines in
    ``since`` from that day on; the others still keep their distance.
    """

    def __init__(
        self,
        schedule: Schedule,
        person: Person,
        birth: date | None,
        doses: Iterable[GivenDose],
        today: date,
        *,
        only: Collection[str] | None = None,
        since: Mapping[str, date] | None = None,
    ) -> None:
        self.schedule, self.person, self.birth, self.today = schedule, person, birth, today
        self.doses = sorted(doses, key=_order)
        self.only, self.since = only, since
        self._legal: dict[tuple[str, int | None], list[Period]] = {}
        self.walks: dict[Key, Walk] = {}
        self.findings: list[Finding] = []
        self._following = self._families()
        self._days_of_track: dict[str, list[date]] = {}
        for position, dose in enumerate(self.doses):
            if since is not None and dose.given_on < since.get(dose.vaccine, NO_END):
                continue
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
        """Return, for each family that was begun, the programmes of who began with that vaccine."""
        found: dict[str, frozenset[str]] = {}
        begins = self.schedule.begins
        for dose in self.doses:
            for family in begins.get(dose.vaccine, ()):
                if family not in found:
                    programmes = self.schedule.families[family]
                    codes = (one.code for one in programmes if dose.vaccine in one.begins_with)
                    found[family] = frozenset(codes)
        return found

    def _given_before(self, programme: Programme, day: date) -> list[GivenDose]:
        return [one for one in self.doses if one.vaccine in programme.vaccines and one.given_on < day]

    def legal(self, programme: Programme, around: date) -> list[Period]:
        """Return the legal days of a programme; of a seasonal one the seasons next to ``around``."""
        if programme.depends_on_doses:
            given = self._given_before(programme, around)
            return periods(programme, self.birth, self.person, given, around)
        key = programme.code, around.year if programme.per == "season" else None
        found = self._legal.get(key)
        if found is None:
            found = self._legal[key] = periods(programme, self.birth, self.person, (), around)
        return found

    def _judge(self, position: int, dose: GivenDose) -> Finding:
        candidates = self.schedule.by_vaccine.get(dose.vaccine, ())
        if self.only is not None:
            candidates = tuple(one for one in candidates if one.code in self.only)
        if not candidates:
            why = reason("no_programme", vaccine=dose.vaccine)
            return Finding(dose, None, None, "not_in_programme", (why,))
        followed = tuple(one for one in candidates if self._is_on(one)) or candidates
        if len(followed) > 1:
            followed = tuple(one for one in followed if self.legal(one, dose.given_on)) or followed
        if len(followed) == 1:
            finding = self._take(self._offer(followed[0], position, dose), dose)
        else:
            finding = self._take_best([self._offer(one, position, dose) for one in followed], dose)
        if dose.given_on <= self.today:
            for track in {programme.track for programme in followed}:
                self._days_of_track.setdefault(track, []).append(dose.given_on)
        return finding

    def _take_best(self, offers: Sequence[_Offer], dose: GivenDose) -> Finding:
        """Give a dose to the best programme of each track; the first of them speaks."""
        tracks: dict[str, _Offer] = {}
        for offer in offers:
            other = tracks.get(offer.programme.track)
            if other is None or _rank(offer) < _rank(other):
                tracks[offer.programme.track] = offer
        taken = list(tracks.values())
        if any(offer.places for offer in taken):
            taken = [offer for offer in taken if _rank(offer)[0] < _FAR]
        return [self._take(offer, dose) for offer in taken][0]  # noqa: RUF015  (each has to be taken)

    def _is_on(self, programme: Programme) -> bool:
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
        for programme in self.schedule.continued_by.get(offer.programme.code, ()):
            wanted = self.only is None or programme.code in self.only
            if wanted and self.legal(programme, dose.given_on):
                self._pass_on(programme, dose, offer)
        reasons = offer.reasons
        if offer.verdict == "valid" and not reasons and self.since is None:
            reasons = (self._fits(offer.programme, dose, number),)
        return Finding(dose, offer.programme, number, offer.verdict, reasons)

    def _fits(self, programme: Programme, dose: GivenDose, number: int | None) -> Reason:
        """Return why a dose is valid: the legal days it lies in."""
        day = dose.given_on
        run = next(one for one in runs(self.legal(programme, day)) if one.first <= day <= one.last)
        citation = run.on(day).rule.citations[0]
        return reason("fits", citation, number=number or 0, first=run.first, last=run.last)

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
        legal = self.legal(programme, day)
        key = self._key(programme, day, legal)
        walk = self.walks.get(key) or Walk(programme, self.birth)
        private = not self._is_public(programme, dose)
        if refusal := self._refusal(programme, dose, legal, walk):
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
        answers = [] if walk.complete else walk.answers(dose.given_on, dose.vaccine)
        accepted = [answer for answer in answers if answer.verdict == "valid"]
        accepted = accepted or [answer for answer in answers if answer.place is not None]
        refused = self._refused_by_course(programme, key, walk, dose, answers)
        if refused is None:
            refused = self._too_near(programme, key, walk, position, accepted)
        return refused or self._counted(programme, key, walk, dose, accepted)

    def _refused_by_course(
        self, programme: Programme, key: Key, walk: Walk, dose: GivenDose, answers: Sequence[Answer]
    ) -> _Offer | None:
        """Return that no course takes the dose; the one that is nearest to it says why."""
        same_day = dose.given_on in walk.counted
        if not answers and not walk.complete:
            why = reason("mixed_vaccines", programme.rules[-1].citations[0])
            return _Offer(programme, key, "wrong_product", (why,), [], 0, True)
        if not walk.complete and answers[0].verdict != "surplus":
            if any(answer.place is not None for answer in answers):
                return None
            nearest = min(
                (answer for answer in answers if answer.verdict != "surplus"), key=lambda one: one.days
            )
            if nearest.against is not None and not same_day:
                against = (nearest.against,)
                return _Offer(programme, key, nearest.verdict, against, [], nearest.days, True)
        said = reason("same_day", day=dose.given_on) if same_day else None
        said = said or reason("surplus", number=walk.next_number)
        return _Offer(programme, key, "surplus", (said,), [], 0, same_day)

    def _too_near(
        self, programme: Programme, key: Key, walk: Walk, position: int, accepted: Sequence[Answer]
    ) -> _Offer | None:
        """Return that a dose came too soon after one of another term or vaccine."""
        dose, places = self.doses[position], places_after(accepted)
        apart = self.apart_until(programme, walk)
        if dose.given_on < apart:
            days, citation = (apart - dose.given_on).days, places[0].course.citations[0]
            why = reason("interval_short", citation, number=walk.next_number, days=days, day=apart)
            return _Offer(programme, key, "wrong_interval", (why,), [], days, True)
        close = too_close(self.schedule, dose, self.doses[:position])
        if close is None:
            return None
        # Where the rule was given up since then, the dose counts all the same.
        spacing, why, short = close
        still = spacing.valid_to is None or self.today <= spacing.valid_to
        return _Offer(programme, key, "wrong_interval", (why,), [] if still else places, short, still)

    def _counted(
        self, programme: Programme, key: Key, walk: Walk, dose: GivenDose, accepted: Sequence[Answer]
    ) -> _Offer:
        """Return a dose that counts; "unsure" where its number or a doctor's judgement leaves a doubt."""
        places = places_after(accepted)
        reasons = [answer.against for answer in accepted if answer.against is not None]
        number = self._number_in_doubt(programme, walk, dose, places[0])
        if number is not None:
            reasons.append(number)
        if reasons:
            return _Offer(programme, key, "unsure", tuple(reasons), places, 0, True)
        if self._is_public(programme, dose):
            return _Offer(programme, key, "valid", (), places, 0, False)
        if dose.category in _PUBLIC or not self._is_routine(programme, dose):
            vaccine = self.schedule.catalogue.vaccines[dose.vaccine]
            why = reason(
                "not_routine", vaccine=vaccine.name_en, vaccine_ja=vaccine.name_ja, day=dose.given_on
            )
            return _Offer(programme, key, "not_in_programme", (why,), places, 0, False)
        notes = (reason("private_counts", day=dose.given_on),)
        return _Offer(programme, key, "valid", notes, places, 0, False)

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
        self, programme: Programme, walk: Walk, dose: GivenDose, place: Place
    ) -> Reason | None:
        if dose.dose_number is None or programme.per == "season":
            return None
        expected = walk.next_number
        allowed = {expected, programme.first_number + place.step - 1}
        if dose.dose_number in allowed or walk.flawed:
            return None
        if dose.dose_number < expected:
            return reason("number_twice", number=dose.dose_number)
        return reason("number_missing", number=expected)

    def _refusal(
        self, programme: Programme, dose: GivenDose, legal: Sequence[Period], walk: Walk
    ) -> tuple[str, Reason, int] | None:
        """Return verdict, reason and days when the dose cannot be one of the programme at all."""
        day, citation = dose.given_on, programme.rules[-1].citations[0]
        if not self.follows(programme):
            return "wrong_product", reason("begun_with_other", citation), 0
        excluded = exclusion(programme, self.person, day)
        if excluded is None and not legal:
            if self._only_unknown(programme, day):
                return "unsure", reason("needs_unknown", citation), 0
            excluded = reason("not_in_cohort", citation)
        if excluded is not None:
            return "not_in_programme", excluded, 0
        if not self._is_public(programme, dose):
            return self._private_refusal(programme, day, legal)
        if walk.complete:
            return None
        return self._outside(walk, day, legal) or self._product(programme, dose, legal)

    def _only_unknown(self, programme: Programme, day: date) -> bool:
        """Tell whether somebody would be a target if only what the rule asks for were recorded."""
        rule = programme.rule_on(day)
        if rule is None or not any(target.needs or target.pregnancy for target in rule.targets):
            return False
        if programme.sex is not None and self.person.sex != programme.sex:
            return False
        if programme.per == "pregnancy":
            return not any(one.kind == "pregnancy" for one in self.person.circumstances)
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

    def _outside(self, walk: Walk, day: date, legal: Sequence[Period]) -> tuple[str, Reason, int] | None:
        if any(period.first <= day <= period.last for period in legal):
            return None
        # A dose is judged by the version in force on its day, as if that were to stay.
        rule = walk.programme.rule_on(day)
        given = self._given_before(walk.programme, day)
        current = periods_of_rule(rule, self.birth, self.person, given, day) if rule else []
        current.extend(period for period in legal if period.illness)
        windows = runs(sorted(current, key=lambda period: (period.first, period.last)))
        if not windows:
            return "not_in_programme", reason("not_in_cohort", legal[-1].rule.citations[0]), 0
        days, verdict, why = min(
            (self._distance(run, day, walk.next_number) for run in windows), key=lambda option: option[0]
        )
        return verdict, why, days

    def _distance(self, run: Run, day: date, number: int) -> tuple[int, str, Reason]:
        """Return how far a day is outside of a run, on which side, and the sentence about it."""
        early = day < run.first
        period = run.periods[0] if early else run.periods[-1]
        citation = period.rule.citations[0]
        if not early:
            days = (day - run.last).days
            return days, "too_late", reason("too_late", citation, number=number, days=days, day=run.last)
        days, age = (run.first - day).days, period.target.first if period.target else None
        if age is None or self.birth is None or age.day(self.birth, last=False) != run.first:
            why = reason("too_early_day", citation, number=number, days=days, day=run.first)
        else:
            why = reason("too_early", citation, number=number, days=days, day=run.first, age=age)
        return days, "too_early", why

    def _product(
        self, programme: Programme, dose: GivenDose, legal: Sequence[Period]
    ) -> tuple[str, Reason, int] | None:
        if is_allowed(self.schedule, programme, dose.vaccine, dose.given_on, self.birth):
            return None
        vaccine = self.schedule.catalogue.vaccines[dose.vaccine]
        citation = legal[-1].rule.citations[0]
        why = reason(
            "wrong_product", citation, vaccine=vaccine.name_en, vaccine_ja=vaccine.name_ja, day=dose.given_on
        )
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


def is_allowed(schedule: Schedule, programme: Programme, vaccine: str, day: date, birth: date | None) -> bool:
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
