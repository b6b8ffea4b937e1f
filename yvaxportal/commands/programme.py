"""``yvax programme``: the vaccination rules on the command line, without database or web."""

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from yvaxportal.commands.common import CommandError, Subparsers
from yvaxportal.programme.catalogue import CatalogueError, load_catalogue
from yvaxportal.programme.forecasting import Forecast, forecast
from yvaxportal.programme.judging import Judged, judge
from yvaxportal.programme.loading import ScheduleError, load_schedule
from yvaxportal.programme.person import Person
from yvaxportal.programme.reasons import Reason
from yvaxportal.programme.schedule import Schedule
from yvaxportal.programme.targets import Cohort, targets
from yvaxportal.programme.telling import read_birth, read_circumstance, read_dose
from yvaxportal.values.clock import jst_date, now_utc

Told = TypeVar("Told")

_DOSE = "VACCINE:DATE[:NUMBER][:CATEGORY], such as mr:2025-01-14 or comirnaty:2021-07-01:1:temporary"
_CIRCUMSTANCE = "KIND[:SUBJECT][:FROM][:UNTIL], such as risk_group:hiv or pregnancy::2026-12-24"
_SEX = {"male": "1", "female": "2", "unknown": "0", "1": "1", "2": "2", "0": "0"}


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser("programme", help="check and show the rules; judge, forecast, targets")
    commands = parser.add_subparsers(required=True)
    check = commands.add_parser("check", help="check the rule files, with those of a folder of one's own")
    check.add_argument("folder", nargs="?", type=Path, help="the folder of own rule files")
    _add_files(check, folder=False)
    check.set_defaults(run=run_check)

    show = commands.add_parser("show", help="show each rule file: programmes, versions, citations")
    show.add_argument("programme", nargs="*", help="codes of programmes; else all")
    _add_files(show)
    show.set_defaults(run=run_show)

    judged = commands.add_parser("judge", help="judge doses that were given")
    _add_person(judged)
    judged.set_defaults(run=run_judge)

    foretold = commands.add_parser("forecast", help="tell what comes next, programme by programme")
    _add_person(foretold)
    foretold.add_argument("--programme", action="append", default=[], help="only this one; may be repeated")
    foretold.add_argument("--all", action="store_true", help="also those the person is no target of")
    foretold.set_defaults(run=run_forecast)

    cohort = commands.add_parser("targets", help="tell whose birth dates make them targets of a programme")
    cohort.add_argument("--programme", required=True)
    _add_day(cohort)
    _add_files(cohort)
    cohort.set_defaults(run=run_targets)


def _add_files(parser: argparse.ArgumentParser, *, folder: bool = True) -> None:
    if folder:
        parser.add_argument("--folder", type=Path, help="a folder of own rule files")
    parser.add_argument("--vaccines-file", type=Path, help="a file of own vaccines")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _add_day(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--on", type=_reader(date.fromisoformat), metavar="DATE", help="the day; else today")


def _add_person(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--born", required=True, type=_reader(read_birth), metavar="DATE", help="2024-01-00: day unknown"
    )
    parser.add_argument("--sex", choices=sorted(_SEX), default="unknown")
    parser.add_argument(
        "--dose", action="append", default=[], type=_reader(read_dose), metavar="DOSE", help=_DOSE
    )
    parser.add_argument(
        "--circumstance", action="append", default=[], type=_reader(read_circumstance), help=_CIRCUMSTANCE
    )
    parser.add_argument("--ja", action="store_true", help="reasons in Japanese")
    _add_day(parser)
    _add_files(parser)


def _reader(read: Callable[[str], Told]) -> Callable[[str], Told]:
    """Return a type for argparse that says what was wrong in the words of ``read``."""

    def read_or_tell(text: str) -> Told:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read_or_tell


def run_check(args: argparse.Namespace) -> int:
    """Say whether the files are in order; the first mistake is told as "file:line: reason" (exit code 1)."""
    schedule = _schedule(args)
    if args.json:
        _print({"version": schedule.version, "programmes": list(schedule.programmes)})
    else:
        count = len(schedule.programmes)
        print(f"{len(schedule.files)} rule files, {count} programmes, version {schedule.version}: in order")
    return 0


def run_show(args: argparse.Namespace) -> int:
    """Print programmes, versions and citations, file by file."""
    schedule = _schedule(args)
    wanted = [_known(schedule, code) for code in args.programme] or list(schedule.programmes)
    if args.json:
        _print([_programme(schedule, code) for code in wanted])
        return 0
    shown = ""
    for code in wanted:
        programme = schedule.programmes[code]
        if programme.file != shown:
            shown = programme.file
            print(f"{shown}")
        print(f"  {code:<22}{programme.name_ja} / {programme.name_en}")
        for rule in programme.rules:
            mark = "  [to be confirmed by the municipality]" if rule.unverified else ""
            print(f"    {rule.valid_from} .. {rule.valid_to or 'still'}{mark}")
        for citation in programme.citations:
            source = f"  <{citation.source}>" if citation.source else ""
            print(f"      {citation}{source}  (checked {citation.checked_on})")
    if not args.programme:
        print("spacing.toml")
        for spacing in schedule.spacings:
            print(f"    {spacing.valid_from} .. {spacing.valid_to or 'still'}: {spacing.days} full days")
            for citation in spacing.citations:
                print(f"      {citation}")
    return 0


def run_judge(args: argparse.Namespace) -> int:
    """Print a verdict for each dose."""
    schedule = _schedule(args)
    _check_doses(schedule, args)
    judged = judge(schedule, _person(args), args.dose, _day(args))
    if args.json:
        _print([_judged(one) for one in judged])
        return 0
    for one in judged:
        number = f" counts as {one.counts_as}" if one.counts_as is not None else ""
        print(f"{one.dose.vaccine} {one.dose.given_on}: {one.verdict} ({one.programme or 'none'}){number}")
        _print_reasons(one.reasons, args)
    return 0


def run_forecast(args: argparse.Namespace) -> int:
    """Print the next dose of each programme."""
    schedule = _schedule(args)
    _check_doses(schedule, args)
    only = [_known(schedule, code) for code in args.programme] or None
    found = forecast(schedule, _person(args), args.dose, _day(args), only)
    if only is None and not args.all:
        found = [one for one in found if one.status != "not_target"]
    if args.json:
        _print([_forecast(one) for one in found])
        return 0
    for one in found:
        days = f"  {one.earliest} .. {one.latest}" if one.earliest else ""
        print(f"{one.programme:<22}{one.status:<12}dose {one.dose_number}{days}")
        _print_reasons(one.reasons, args)
    return 0


def run_targets(args: argparse.Namespace) -> int:
    """Print the birth dates of a programme's targets."""
    schedule = _schedule(args)
    cohort = targets(schedule.programmes[_known(schedule, args.programme)], _day(args))
    if args.json:
        _print(_cohort(cohort))
        return 0
    sex = {"1": ", male", "2": ", female"}.get(cohort.sex or "", "")
    print(f"{cohort.programme}: {cohort.day} to {cohort.until}{sex}")
    for first, last in cohort.born:
        print(f"  born {first} to {last}")
    for first, last in cohort.extended:
        print(f"  born {first} to {last}, by an extension of the time")
    for first, last in cohort.risk_born:
        print(f"  born {first} to {last} with {', '.join(sorted(cohort.risk))}")
    if cohort.pregnancies:
        print("  pregnant women, by the expected day of delivery")
    if cohort.needs:
        print(f"  only with {' or '.join(sorted(cohort.needs))}")
    if not (cohort.born or cohort.extended or cohort.risk_born or cohort.pregnancies):
        print("  nobody")
    return 0


def _schedule(args: argparse.Namespace) -> Schedule:
    try:
        return load_schedule(load_catalogue(args.vaccines_file), args.folder)
    except (CatalogueError, ScheduleError) as error:
        raise CommandError(" ".join(str(error).split())) from None


def _known(schedule: Schedule, code: str) -> str:
    if code not in schedule.programmes:
        raise CommandError(f"no such programme: {code}; there are: {', '.join(schedule.programmes)}")
    return code


def _check_doses(schedule: Schedule, args: argparse.Namespace) -> None:
    for dose in args.dose:
        if dose.vaccine not in schedule.catalogue.vaccines:
            raise CommandError(f"no such vaccine: {dose.vaccine}; docs/programme.md lists the codes")


def _person(args: argparse.Namespace) -> Person:
    return Person(args.born, _SEX[args.sex], tuple(args.circumstance))


def _day(args: argparse.Namespace) -> date:
    return args.on or jst_date(now_utc())


def _print_reasons(reasons: tuple[Reason, ...], args: argparse.Namespace) -> None:
    for why in reasons:
        citation = f" ({why.citation})" if why.citation else ""
        print(f"    {why.ja if args.ja else why.en}{citation}")


def _print(content: object) -> None:
    print(json.dumps(content, ensure_ascii=False, indent=2, default=str))


def _judged(one: Judged) -> Mapping[str, Any]:
    return {
        "vaccine": one.dose.vaccine,
        "given_on": one.dose.given_on,
        "dose_number": one.dose.dose_number,
        "category": one.dose.category,
        "programme": one.programme,
        "counts_as": one.counts_as,
        "verdict": one.verdict,
        "reasons": [_reason(why) for why in one.reasons],
    }


def _forecast(one: Forecast) -> Mapping[str, Any]:
    named = {field.name: getattr(one, field.name) for field in fields(one)}
    return {**named, "reasons": [_reason(why) for why in one.reasons]}


def _reason(why: Reason) -> Mapping[str, Any]:
    facts = {name: value if isinstance(value, int) else str(value) for name, value in why.facts}
    citation = str(why.citation) if why.citation else None
    return {"code": why.code, "facts": facts, "en": why.en, "ja": why.ja, "citation": citation}


def _cohort(cohort: Cohort) -> Mapping[str, Any]:
    return {
        "programme": cohort.programme,
        "on": cohort.day,
        "until": cohort.until,
        "sex": cohort.sex,
        "born": [{"from": first, "to": last} for first, last in cohort.born],
        "extended": [{"from": first, "to": last} for first, last in cohort.extended],
        "risk": sorted(cohort.risk),
        "risk_born": [{"from": first, "to": last} for first, last in cohort.risk_born],
        "needs": sorted(cohort.needs),
        "pregnancies": cohort.pregnancies,
    }


def _programme(schedule: Schedule, code: str) -> Mapping[str, Any]:
    programme = schedule.programmes[code]
    return {
        "file": programme.file,
        "code": code,
        "name_ja": programme.name_ja,
        "name_en": programme.name_en,
        "category": programme.category,
        "vaccines": programme.vaccines,
        "versions": [
            {
                "valid_from": rule.valid_from,
                "valid_to": rule.valid_to,
                "unverified": rule.unverified,
                "citations": [str(citation) for citation in rule.citations],
            }
            for rule in programme.rules
        ],
        "citations": [
            {"text": str(one), "source": one.source, "checked_on": one.checked_on}
            for one in programme.citations
        ],
    }
