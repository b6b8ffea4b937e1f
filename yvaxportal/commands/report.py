"""``yvax report``: a national table as a file, for nightly runs; the same services and audit as the pages."""

import argparse
import json
import sys
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from pyramid.i18n import make_localizer
from sqlalchemy.orm import Session

import yvaxportal
from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.commands.common import (
    CommandError,
    Subparsers,
    add_ini,
    load_settings,
    require_current,
    set_up_logging,
)
from yvaxportal.documents.spreadsheet import csv_text, xlsx
from yvaxportal.models.database import open_engine
from yvaxportal.security.permissions import Permission
from yvaxportal.services.acting import NotAllowedError, acting
from yvaxportal.services.own_rules import open_schedule
from yvaxportal.services.reports.counting import Counting, count
from yvaxportal.services.reports.library import DefinitionError, Library, load_library
from yvaxportal.services.reports.periods import Period, PeriodError, parse_period
from yvaxportal.services.reports.sheets import ReportWords, workbook
from yvaxportal.services.reports.snapshots import ReportRefusedError, atoms_in, make
from yvaxportal.services.reports.table import Table, public, table
from yvaxportal.settings import Settings
from yvaxportal.values.clock import format_jst, jst_date, now_utc
from yvaxportal.values.text import _

FORMATS = ("xlsx", "csv", "json")
_REFUSED = {
    "period": "this report is not made for such a period",
    "future": "the period has not begun yet",
    "reason": "the table before it was closed: say why it is made anew with --reason (up to 500 characters, "
    "no personal number)",
}
_NOT_ALLOWED = {
    "account": "there is no such account, or it is not valid today",
    "permission": "the account's groups do not hold the permission for this",
}


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser("report", help="write a national table to a file")
    parser.add_argument("name", help="which report, such as routine or coverage; the pages name them alike")
    add_ini(parser)
    parser.add_argument("--account", required=True, help="login of the account it is done as")
    parser.add_argument("--year", required=True, help="fiscal year, four digits")
    parser.add_argument("--period", default="year", help="year, h1, h2, or a month: m04 to m03")
    parser.add_argument("--format", choices=FORMATS, default="csv")
    parser.add_argument("--out", type=Path, help="the file to write; standard output without")
    parser.add_argument("--public", action="store_true", help="leave out small figures")
    parser.add_argument("--freeze", action="store_true", help="also keep the table with its members")
    parser.add_argument("--reason", default="", help="with --freeze: why a closed table is made anew")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Count, write the file, and tell what was frozen."""
    settings = load_settings(args)
    set_up_logging(args)
    require_current(settings)
    try:
        library = load_library(open_schedule(settings), settings.reports_folder)
        period = parse_period(args.year, args.period)
    except (DefinitionError, PeriodError) as error:
        raise CommandError(str(error)) from None
    if library.get(args.name) is None:
        raise CommandError(f"there is no report {args.name!r}; there are {', '.join(library.reports)}")
    engine = open_engine(settings.database_url, pool_size=1, statement_timeout_seconds=600)
    try:
        with Session(engine) as session:
            content = _made(args, settings, library, period, session)
            session.commit()
    finally:
        engine.dispose()
    if args.out is not None:
        args.out.write_bytes(content)
    else:
        sys.stdout.buffer.write(content)
    return 0


def _made(
    args: argparse.Namespace, settings: Settings, library: Library, period: Period, session: Session
) -> bytes:
    now = now_utc()
    today = jst_date(now)
    needed = {Permission.REPORT_VIEW} | ({Permission.REPORT_MAKE} if args.freeze else set())
    try:
        account = acting(session, args.account, needed, today)
    except NotAllowedError as error:
        raise CommandError(_NOT_ALLOWED[error.rule]) from None
    engine = session.get_bind().engine
    audit = AuditTrail(session, engine, account.actor)
    try:
        if args.freeze:
            frozen = make(
                session,
                audit,
                library,
                report=args.name,
                period=period,
                municipality_code=settings.municipality_code,
                reason=args.reason,
                staff_id=account.staff_id,
                today=today,
                now=now,
            )
            figures = table(library.resolve(args.name, period), atoms_in(session, frozen))
        else:
            frozen = None
            figures = _now(
                session,
                library,
                args.name,
                period,
                municipality_code=settings.municipality_code,
                today=today,
            )
    except ReportRefusedError as error:
        raise CommandError(_REFUSED[error.rule]) from None
    if args.public:
        figures = public(figures, settings.reports_smallest_told)
    audit.record(
        Action.REPORT_TAKEN,
        subject=f"report:{frozen or args.name}",
        detail={"format": args.format, "version": "public" if args.public else "complete"}
        | {"period": str(period), "by": "command"},
    )
    header = {"report": args.name, "period": str(period), "data_as_of": format_jst(now), "table": frozen}
    if args.format == "json":
        return _as_json(figures, header)
    words = _words()
    facts = [(words.say(_("Period")), str(period)), (words.say(_("Data as of")), format_jst(now))]
    facts += [(words.say(_("Table number")), str(frozen))] if frozen else []
    book = workbook(figures, words, facts, public=args.public)
    return xlsx(book, now) if args.format == "xlsx" else csv_text(book)


def _now(
    session: Session, library: Library, name: str, period: Period, *, municipality_code: str, today: date
) -> Table:
    """Return the figures as the data stand; ReportRefusedError when there can be none."""
    try:
        definition = library.resolve(name, period)
    except DefinitionError:
        raise ReportRefusedError("period") from None
    if period.first_day > today:
        raise ReportRefusedError("future")
    return table(definition, count(session, Counting(definition, period, municipality_code, today)))


def _words() -> ReportWords:
    """Return the words in Japanese: files of the municipality are in its language."""
    folder = Path(yvaxportal.__file__).parent / "locale"
    return ReportWords(make_localizer("ja", [str(folder)]).translate, japanese=True)


def _as_json(figures: Table, header: Mapping[str, Any]) -> bytes:
    definition = figures.definition
    rows = {
        row.key: {
            key: _plain(figures.at(row.key, key).value) if not figures.at(row.key, key).hidden else "hidden"
            for key in definition.columns
        }
        for row in figures.rows
    }
    written = {**header, "definition_sha256": definition.sha256, "rows": rows}
    return json.dumps(written, ensure_ascii=False, indent=1).encode() + b"\n"


def _plain(value: int | Decimal | None) -> int | float | None:
    return float(value) if isinstance(value, Decimal) else value
