"""The vaccination programme as the rule files describe it: programmes, dated rules, courses, spacings."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal, TypeAlias

from yvaxportal.programme.bounds import Bound
from yvaxportal.programme.catalogue import Catalogue, Vaccine

Per: TypeAlias = Literal["life", "season", "pregnancy"]
Voluntary: TypeAlias = Literal["counts", "doubtful", "ignored"]


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a rule is written. ``source`` is the address of the text that was read, if one was."""

    law: str
    article: str
    checked_on: date
    source: str | None = None

    def __str__(self) -> str:
        return f"{self.law}{self.article}"


@dataclass(frozen=True, slots=True)
class Season:
    """A yearly season, as (month, day) inclusive; it may run over New Year."""

    first: tuple[int, int]
    last: tuple[int, int]

    def of_year(self, year: int) -> tuple[date, date]:
        """Return the first and last day of the season that begins in ``year``."""
        return date(year, *self.first), date(year + (self.last < self.first), *self.last)


@dataclass(frozen=True, slots=True)
class Target:
    """One group of people that a rule is for, and the days on which it is for them; ends are inclusive.

    ``first`` and ``last`` bound the age, ``born_*`` the cohort, ``days_*`` the calendar.
    ``fiscal_year_ages``: the whole fiscal year in which one of these ages is reached;
    ``fiscal_year_age_from``: any age from this one on. ``risk``: one of these risk groups is asked for.
    ``needs``: circumstances (kind, or ``kind:subject``) of which one is asked for, begun by ``needs_by``.
    ``given_from``/``given_to``: a dose of the programme's vaccines must have been given in between.
    ``pregnancy``: the first and last day before the expected delivery.
    ``late``: an extension for who missed the ordinary time.
    ``unverified``: to be confirmed by the municipality.
    """

    first: Bound | None = None
    last: Bound | None = None
    born_from: date | None = None
    born_to: date | None = None
    days_from: date | None = None
    days_to: date | None = None
    fiscal_year_ages: tuple[int, ...] = ()
    fiscal_year_age_from: int | None = None
    risk: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    needs_by: date | None = None
    given_from: date | None = None
    given_to: date | None = None
    pregnancy: tuple[int, int] | None = None
    late: bool = False
    unverified: bool = False


@dataclass(frozen=True, slots=True)
class LongIllness:
    """The exception for a long illness (施行規則2条の7): years from the end of its reason, up to an age."""

    years: int
    until: Bound | None
    citation: Citation


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of a programme, in force from ``valid_from`` to ``valid_to`` (None: still).

    ``only_if_started``: who has had no dose of the programme is none of its targets.
    ``fee``: free | copay; ``fee_exemption``: who pays nothing, as values of ``models.codes.EligibilityKind``.
    """

    valid_from: date
    valid_to: date | None
    targets: tuple[Target, ...]
    citations: tuple[Citation, ...]
    season: Season | None = None
    only_if_started: bool = False
    long_illness: LongIllness | None = None
    fee: str = "free"
    fee_exemption: tuple[str, ...] = ()
    unverified: bool = False
    line: int = 0

    def in_force(self, day: date) -> bool:
        """Tell whether this version was in force on ``day``."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Step:
    """One dose of a course.

    Law: ``first``/``last`` are ages; ``days``, ``months``, ``half_months`` (n and a half) are full days or
    months between this dose and the one before, ``first_days``/``first_months`` since the first dose;
    ``doctor_days``: fewer days, but only where the doctor found it necessary. ``skippable``: past ``last``
    the dose is left out; ``after_skip_days`` then stand for the interval of the next.
    ``skip_if_previous_after``: so it is when the dose before came after this age. ``vaccines``: only with
    these.

    Recommended: ``advised_from`` and ``standard_until`` are ages, ``advised_days``/``advised_months`` and
    ``standard_days``/``standard_months`` lie between this dose and the one before.
    """

    first: Bound | None = None
    last: Bound | None = None
    days: int | None = None
    months: int | None = None
    half_months: int | None = None
    first_days: int | None = None
    first_months: int | None = None
    doctor_days: int | None = None
    after_skip_days: int | None = None
    skippable: bool = False
    skip_if_previous_after: Bound | None = None
    advised_from: Bound | None = None
    standard_until: Bound | None = None
    advised_days: int | None = None
    advised_months: int | None = None
    vaccines: frozenset[str] | None = None
    standard_days: int | None = None
    standard_months: int | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """Doses one after another.

    ``vaccines``: only with these (None: any of the programme's). ``started_after`` and ``started_until``:
    only for who has the first dose after one age and by the other; ``started_from`` and ``started_to``: on a
    day in between.
    """

    steps: tuple[Step, ...]
    citations: tuple[Citation, ...]
    vaccines: frozenset[str] | None = None
    started_after: Bound | None = None
    started_until: Bound | None = None
    started_from: date | None = None
    started_to: date | None = None
    unverified: bool = False


@dataclass(frozen=True, slots=True)
class Product:
    """What only some of a programme's targets may get: a vaccine with an age window of its own."""

    vaccine: str
    first: Bound | None = None
    last: Bound | None = None


@dataclass(frozen=True)
class Programme:
    """One programme with all its versions, oldest first.

    ``vaccines``: whose doses count here. ``track``: programmes that share one compete for a dose.
    ``continues``: programmes whose doses count here, too. ``apart_days``: full days
    since the last dose of another programme of the track. ``family`` and ``begins_with``: of several
    programmes of one family a person follows the one whose vaccine they began with. ``per``: what the doses
    are counted in. ``open_ended``: a course that is never complete. ``diseases``: who has had all of these is
    excluded. ``excluded_by``: circumstances that exclude. ``voluntary``: what a private dose is worth here,
    and from which age (``counts_from``, the legal lower age where absent).
    """

    code: str
    series: str
    name_ja: str
    name_en: str
    category: str
    vaccines: tuple[str, ...]
    rules: tuple[Rule, ...]
    courses: tuple[Course, ...]
    track: str
    file: str
    sex: str | None = None
    first_number: int = 1
    per: Per = "life"
    family: str | None = None
    begins_with: frozenset[str] = frozenset()
    continues: tuple[str, ...] = ()
    apart_days: int | None = None
    doubtful_with: frozenset[str] = frozenset()
    diseases: tuple[str, ...] = ()
    excluded_by: frozenset[str] = frozenset()
    products: Mapping[str, Product] | None = None
    voluntary: Voluntary = "counts"
    counts_from: Bound | None = None
    open_ended: bool = False

    def rule_on(self, day: date) -> Rule | None:
        """Return the version in force on a day."""
        for rule in self.rules:
            if rule.valid_from <= day and (rule.valid_to is None or day <= rule.valid_to):
                return rule
        return None

    @cached_property
    def depends_on_doses(self) -> bool:
        """Whether the doses of somebody decide if they are a target."""
        return any(target.given_from is not None for rule in self.rules for target in rule.targets)

    @cached_property
    def citations(self) -> tuple[Citation, ...]:
        """All citations of all versions and courses, each once."""
        found: dict[Citation, None] = {}
        for rule in self.rules:
            found |= dict.fromkeys(rule.citations)
            if rule.long_illness:
                found[rule.long_illness.citation] = None
        for course in self.courses:
            found |= dict.fromkeys(course.citations)
        return tuple(found)

    @cached_property
    def unverified(self) -> bool:
        """Whether any part of it is to be confirmed by the municipality."""
        return any(
            rule.unverified or any(target.unverified for target in rule.targets) for rule in self.rules
        ) or any(course.unverified for course in self.courses)


@dataclass(frozen=True, slots=True)
class Spacing:
    """Full days that must lie between a dose and one of another vaccine before it, while in force.

    ``before`` and ``after`` choose vaccines: ``live_injected``, ``live``, ``inactivated``, ``any``,
    ``series:CODE`` or ``vaccine:CODE``; ``unless`` are vaccine codes or series that it is not about.
    """

    valid_from: date
    valid_to: date | None
    days: int
    before: frozenset[str]
    after: frozenset[str]
    unless: frozenset[str]
    citations: tuple[Citation, ...]
    unverified: bool = False

    def is_about(self, before: Vaccine, after: Vaccine) -> bool:
        """Tell whether the rule is about a vaccine that follows another, of another series."""
        if before.series == after.series:
            return False
        names = {before.code, before.series, after.code, after.series}
        return (
            not self.unless & names
            and not self.before.isdisjoint(_groups(before))
            and not self.after.isdisjoint(_groups(after))
        )


def _groups(vaccine: Vaccine) -> frozenset[str]:
    found = {"any", f"series:{vaccine.series}", f"vaccine:{vaccine.code}"}
    if not vaccine.live:
        found.add("inactivated")
    else:
        found |= {"live", "live_injected"} if vaccine.injectable else {"live"}
    return frozenset(found)


@dataclass(frozen=True)
class Schedule:
    """All programmes by code, in order, and what lies between different vaccines.

    ``version``: the beginning of the SHA-256 of the rule files' content. ``soon_days``: how many days ahead
    a dose counts as coming soon.
    """

    programmes: Mapping[str, Programme]
    spacings: tuple[Spacing, ...]
    catalogue: Catalogue
    version: str
    files: tuple[str, ...]
    soon_days: int = 60

    def get(self, code: str) -> Programme | None:
        """Return the programme, None for an unknown code."""
        return self.programmes.get(code)

    @cached_property
    def by_vaccine(self) -> Mapping[str, tuple[Programme, ...]]:
        """The programmes in which a vaccine counts, in order."""
        found: dict[str, list[Programme]] = {}
        for programme in self.programmes.values():
            for vaccine in programme.vaccines:
                found.setdefault(vaccine, []).append(programme)
        return {vaccine: tuple(programmes) for vaccine, programmes in found.items()}

    @cached_property
    def kin(self) -> Mapping[str, frozenset[str]]:
        """For each vaccine, those whose doses can decide what one of its own counts as.

        Vaccines are kin through programmes that share a vaccine, a track or a family, or go on from another;
        what only has to lie apart is none.
        """
        groups: list[tuple[set[str], set[str]]] = []
        for programme in self.programmes.values():
            marks = {f"track:{programme.track}", f"programme:{programme.code}"}
            marks |= {f"programme:{code}" for code in programme.continues}
            if programme.family:
                marks.add(f"family:{programme.family}")
            vaccines = {*programme.vaccines, *programme.begins_with}
            apart = []
            for group in groups:
                if group[0] & vaccines or group[1] & marks:
                    vaccines |= group[0]
                    marks |= group[1]
                else:
                    apart.append(group)
            groups = [*apart, (vaccines, marks)]
        return {vaccine: frozenset(vaccines) for vaccines, _marks in groups for vaccine in vaccines}

    def between(self, before: str, after: str) -> tuple[Spacing, ...]:
        """Return the rules about a vaccine that follows another; none about vaccines of one series."""
        return self._between.get((before, after), ())

    @cached_property
    def _between(self) -> Mapping[tuple[str, str], tuple[Spacing, ...]]:
        found = {}
        for before in self.catalogue.vaccines.values():
            for after in self.catalogue.vaccines.values():
                rules = tuple(spacing for spacing in self.spacings if spacing.is_about(before, after))
                if rules:
                    found[before.code, after.code] = rules
        return found

    @cached_property
    def longest_spacing(self) -> int:
        """The most full days that any rule asks for between different vaccines."""
        return max((spacing.days for spacing in self.spacings), default=0)

    @cached_property
    def begins(self) -> Mapping[str, tuple[str, ...]]:
        """The families that a vaccine can begin."""
        found: dict[str, dict[str, None]] = {}
        for family, programmes in self.families.items():
            for programme in programmes:
                for vaccine in programme.begins_with:
                    found.setdefault(vaccine, {})[family] = None
        return {vaccine: tuple(families) for vaccine, families in found.items()}

    @cached_property
    def continued_by(self) -> Mapping[str, tuple[Programme, ...]]:
        """The programmes that go on from a programme."""
        found: dict[str, list[Programme]] = {}
        for programme in self.programmes.values():
            for code in programme.continues:
                found.setdefault(code, []).append(programme)
        return {code: tuple(programmes) for code, programmes in found.items()}

    @cached_property
    def families(self) -> Mapping[str, tuple[Programme, ...]]:
        """The programmes of each family, in order."""
        found: dict[str, list[Programme]] = {}
        for programme in self.programmes.values():
            if programme.family:
                found.setdefault(programme.family, []).append(programme)
        return {family: tuple(programmes) for family, programmes in found.items()}
