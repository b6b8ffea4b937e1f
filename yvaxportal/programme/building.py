"""From the tables of a rule file to programmes and spacings. What is not understood is a ScheduleError."""

from types import MappingProxyType
from typing import cast

from yvaxportal.programme.bounds import NO_END
from yvaxportal.programme.catalogue import Catalogue
from yvaxportal.programme.person import KINDS
from yvaxportal.programme.schedule import (
    Citation,
    Course,
    LongIllness,
    Per,
    Product,
    Programme,
    Rule,
    Season,
    Spacing,
    Step,
    Target,
    Voluntary,
)
from yvaxportal.programme.source import Table

RISK_GROUPS = frozenset({"heart", "kidney", "respiratory", "hiv"})
_EXEMPTIONS = frozenset({"public_assistance", "tax_exempt"})
_GROUPS = frozenset({"any", "live", "live_injected", "inactivated"})
_SEX = frozenset({"1", "2"})

_TARGET = frozenset(
    {
        "from", "until", "born_from", "born_to", "days_from", "days_to", "fiscal_year_ages",
        "fiscal_year_age_from", "risk", "needs", "needs_by", "given_from",
        "given_to", "pregnancy", "late", "unverified",
    }
)  # fmt: skip
_RULE = _TARGET | {
    "valid_from", "valid_to", "target", "citations", "season", "only_if_started", "long_illness", "fee",
    "fee_exemption",
}  # fmt: skip
_STEP = frozenset(
    {
        "from", "until", "days", "months", "half_months", "first_days", "first_months", "doctor_days",
        "after_skip_days", "skippable", "skip_if_previous_after", "advised_from", "standard_until",
        "advised_days", "advised_months", "standard_days", "standard_months", "vaccines",
    }
)  # fmt: skip
_COURSE = frozenset(
    {
        "vaccines",
        "started_after",
        "started_until",
        "started_from",
        "started_to",
        "citations",
        "unverified",
        "doses",
    }
)
_PROGRAMME = frozenset(
    {
        "series", "name_ja", "name_en", "category", "vaccines", "track", "sex", "first_number", "per",
        "family", "begins_with", "continues", "doubtful_with", "diseases", "excluded_by", "products",
        "voluntary", "counts_from", "open_ended", "apart_days", "rule", "course",
    }
)  # fmt: skip
_SPACING = frozenset(
    {"valid_from", "valid_to", "days", "before", "after", "unless", "citations", "unverified"}
)


def build_programme(table: Table, code: str, catalogue: Catalogue) -> Programme:
    """Return the programme of one table; ScheduleError for the first mistake."""
    table.refuse_unknown(_PROGRAMME)
    series = table.text("series")
    if series not in catalogue.series():
        raise table.error(f"unknown series {series}", key="series")
    rules = tuple(_rule(child) for child in table.children("rule"))
    courses = tuple(_course(child, catalogue, rules) for child in table.children("course"))
    for name, found in (("rule", rules), ("course", courses)):
        if not found:
            raise table.error(f"a programme needs at least one {name}")
    sex = table.maybe_text("sex")
    if sex is not None and sex not in _SEX:
        raise table.error('sex must be "1" (male) or "2" (female)', key="sex")
    per = table.choice("per", frozenset({"life", "season", "pregnancy"}), "life")
    voluntary = table.choice("voluntary", frozenset({"counts", "doubtful", "ignored"}), "counts")
    return Programme(
        code=code,
        series=series,
        name_ja=table.text("name_ja"),
        name_en=table.text("name_en"),
        category=table.choice("category", frozenset({"A", "B", "temporary"})),
        vaccines=_vaccines(table, "vaccines", catalogue, required=True),
        rules=rules,
        courses=courses,
        track=table.text("track", series),
        file=table.file.path.name,
        sex=sex,
        first_number=table.whole("first_number", 1),
        per=cast("Per", per),
        family=table.maybe_text("family"),
        begins_with=frozenset(_vaccines(table, "begins_with", catalogue)),
        continues=table.texts("continues"),
        apart_days=table.maybe_whole("apart_days"),
        doubtful_with=frozenset(_vaccines(table, "doubtful_with", catalogue)),
        diseases=table.texts("diseases"),
        excluded_by=_circumstances(table, "excluded_by"),
        products=_products(table, catalogue),
        voluntary=cast("Voluntary", voluntary),
        counts_from=table.bound("counts_from"),
        open_ended=table.flag("open_ended"),
    )


def build_spacing(table: Table, catalogue: Catalogue) -> Spacing:
    """Return the spacing of one table; ScheduleError for the first mistake."""
    table.refuse_unknown(_SPACING)
    spacing = Spacing(
        valid_from=table.day("valid_from"),
        valid_to=table.maybe_day("valid_to"),
        days=table.whole("days"),
        before=_groups(table, "before", catalogue),
        after=_groups(table, "after", catalogue),
        unless=frozenset(table.texts("unless")),
        citations=_citations(table),
        unverified=table.flag("unverified"),
    )
    for code in spacing.unless:
        if code not in catalogue.vaccines and code not in catalogue.series():
            raise table.error(f"unknown vaccine or series {code}", key="unless")
    return spacing


def _rule(table: Table) -> Rule:
    table.refuse_unknown(_RULE)
    valid_from, valid_to = table.day("valid_from"), table.maybe_day("valid_to")
    if valid_to is not None and valid_to < valid_from:
        raise table.error("valid_to lies before valid_from", key="valid_to")
    targets = tuple(_target(child, _TARGET) for child in table.children("target")) or (_target(table, _RULE),)
    illness = table.child("long_illness")
    exemption = table.texts("fee_exemption")
    for name in exemption:
        if name not in _EXEMPTIONS:
            raise table.error(f"unknown exemption {name}", key="fee_exemption")
    return Rule(
        valid_from=valid_from,
        valid_to=valid_to,
        targets=targets,
        citations=_citations(table),
        season=_season(table),
        only_if_started=table.flag("only_if_started"),
        long_illness=_long_illness(illness) if illness else None,
        fee=table.choice("fee", frozenset({"free", "copay"}), "free"),
        fee_exemption=exemption,
        unverified=table.flag("unverified"),
        line=table.line(),
    )


def _target(table: Table, known: frozenset[str]) -> Target:
    table.refuse_unknown(known)
    risk = frozenset(table.texts("risk"))
    for name in risk - RISK_GROUPS:
        raise table.error(f"unknown risk group {name}", key="risk")
    pregnancy = table.wholes("pregnancy")
    if pregnancy and not (len(pregnancy) == 2 and pregnancy[0] >= pregnancy[1]):  # noqa: PLR2004
        raise table.error("pregnancy must be [first, last] in days before the delivery", key="pregnancy")
    target = Target(
        first=table.bound("from"),
        last=table.bound("until"),
        born_from=table.maybe_day("born_from"),
        born_to=table.maybe_day("born_to"),
        days_from=table.maybe_day("days_from"),
        days_to=table.maybe_day("days_to"),
        fiscal_year_ages=table.wholes("fiscal_year_ages"),
        fiscal_year_age_from=table.maybe_whole("fiscal_year_age_from"),
        risk=risk,
        needs=_circumstances(table, "needs"),
        needs_by=table.maybe_day("needs_by"),
        given_from=table.maybe_day("given_from"),
        given_to=table.maybe_day("given_to"),
        late=table.flag("late"),
        pregnancy=(pregnancy[0], pregnancy[1]) if pregnancy else None,
        unverified=table.flag("unverified"),
    )
    for first, last in (("born_from", "born_to"), ("days_from", "days_to"), ("given_from", "given_to")):
        begin, end = getattr(target, first), getattr(target, last)
        if begin is not None and end is not None and end < begin:
            raise table.error(f"impossible window: {last} lies before {first}", key=last)
    if target.first and target.last:
        born = target.born_from or _ANY_BIRTH
        if target.last.day(born, last=True) < target.first.day(born, last=False):
            raise table.error("impossible window: until lies before from", key="until")
    return target


_ANY_BIRTH = NO_END.replace(year=2020, month=6, day=15)


def _season(table: Table) -> Season | None:
    said = table.child("season")
    if said is None:
        return None
    said.refuse_unknown(frozenset({"from", "until"}))
    return Season(_month_and_day(said, "from"), _month_and_day(said, "until"))


def _month_and_day(table: Table, key: str) -> tuple[int, int]:
    month, _, day = table.text(key).partition("-")
    try:
        # 2023 has no February 29, which would not come every year.
        NO_END.replace(year=2023, month=int(month), day=int(day))
        return int(month), int(day)
    except ValueError:
        raise table.error(f'{key} must be a month and day, such as "10-01"', key=key) from None


def _long_illness(table: Table) -> LongIllness:
    table.refuse_unknown(frozenset({"years", "until", "citation"}))
    return LongIllness(table.whole("years"), table.bound("until"), _citation(table, table.text("citation")))


def _course(table: Table, catalogue: Catalogue, rules: tuple[Rule, ...]) -> Course:
    table.refuse_unknown(_COURSE)
    steps = tuple(_step(child, catalogue) for child in table.children("doses"))
    if not steps:
        raise table.error("a course needs doses")
    inherited = rules[-1].citations if rules else ()
    return Course(
        steps=steps,
        citations=_citations(table) if "citations" in table.data else inherited,
        vaccines=frozenset(_vaccines(table, "vaccines", catalogue)) or None,
        started_after=table.bound("started_after"),
        started_until=table.bound("started_until"),
        started_from=table.maybe_day("started_from"),
        started_to=table.maybe_day("started_to"),
        unverified=table.flag("unverified"),
    )


def _step(table: Table, catalogue: Catalogue) -> Step:
    table.refuse_unknown(_STEP)
    step = Step(
        first=table.bound("from"),
        last=table.bound("until"),
        days=table.maybe_whole("days"),
        months=table.maybe_whole("months"),
        half_months=table.maybe_whole("half_months"),
        first_days=table.maybe_whole("first_days"),
        first_months=table.maybe_whole("first_months"),
        doctor_days=table.maybe_whole("doctor_days"),
        after_skip_days=table.maybe_whole("after_skip_days"),
        skippable=table.flag("skippable"),
        skip_if_previous_after=table.bound("skip_if_previous_after"),
        advised_from=table.bound("advised_from"),
        standard_until=table.bound("standard_until"),
        advised_days=table.maybe_whole("advised_days"),
        advised_months=table.maybe_whole("advised_months"),
        vaccines=frozenset(_vaccines(table, "vaccines", catalogue)) or None,
        standard_days=table.maybe_whole("standard_days"),
        standard_months=table.maybe_whole("standard_months"),
    )
    if (
        step.first
        and step.last
        and step.last.day(_ANY_BIRTH, last=True) < step.first.day(_ANY_BIRTH, last=False)
    ):
        raise table.error("impossible window: until lies before from", key="until")
    if step.doctor_days is not None and (step.days is None or step.doctor_days >= step.days):
        raise table.error("doctor_days must be fewer than days", key="doctor_days")
    if step.standard_days is not None and step.days is not None and step.standard_days < step.days:
        raise table.error("standard_days must not be fewer than days", key="standard_days")
    return step


def _citations(table: Table) -> tuple[Citation, ...]:
    names = table.texts("citations")
    if not names:
        raise table.error("citations is missing: name at least one [citation.…] of this file")
    return tuple(_citation(table, name) for name in names)


def _citation(table: Table, name: str) -> Citation:
    if name not in table.file.data.get("citation", {}):
        raise table.error(f"unknown citation {name}", key="citations")
    said = table.file.table("citation", name)
    said.refuse_unknown(frozenset({"law", "article", "source", "checked_on"}))
    article = said.data.get("article", "")
    if not isinstance(article, str):
        raise said.error("article must be a text", key="article")
    return Citation(said.text("law"), article, said.day("checked_on"), said.maybe_text("source"))


def _vaccines(table: Table, key: str, catalogue: Catalogue, *, required: bool = False) -> tuple[str, ...]:
    """Return vaccine codes; ``series:CODE`` stands for all of a series."""
    found: dict[str, None] = {}
    for name in table.texts(key):
        codes: tuple[str, ...] = (name,)
        if name.startswith("series:"):
            codes = tuple(vaccine.code for vaccine in catalogue.of_series(name.removeprefix("series:")))
        for code in codes:
            if code not in catalogue.vaccines:
                raise table.error(f"unknown vaccine {code}", key=key)
            found[code] = None
        if not codes:
            raise table.error(f"unknown vaccine {name}", key=key)
    if required and not found:
        raise table.error(f"{key} is missing")
    return tuple(found)


def _groups(table: Table, key: str, catalogue: Catalogue) -> frozenset[str]:
    found = frozenset(table.texts(key))
    if not found:
        raise table.error(f"{key} is missing")
    for name in found - _GROUPS:
        kind, _, code = name.partition(":")
        known = {"series": catalogue.series(), "vaccine": catalogue.vaccines}.get(kind)
        if known is None or code not in known:
            raise table.error(f"unknown group of vaccines {name}", key=key)
    return found


def _circumstances(table: Table, key: str) -> frozenset[str]:
    found = frozenset(table.texts(key))
    for name in found:
        if name.partition(":")[0] not in KINDS:
            raise table.error(f"unknown circumstance {name}", key=key)
    return found


def _products(table: Table, catalogue: Catalogue) -> MappingProxyType[str, Product]:
    said = table.child("products")
    found = {}
    for code in said.data if said else ():
        if said is None or code not in catalogue.vaccines:
            raise table.error(f"unknown vaccine {code}", key=code)
        entry = said.child(code)
        if entry is None:
            raise said.error(f"{code} must be a table", key=code)
        entry.refuse_unknown(frozenset({"from", "until"}))
        found[code] = Product(code, entry.bound("from"), entry.bound("until"))
    return MappingProxyType(found)
