"""``yvax letters check``: fonts, templates and sender of letters, each kind set once as a sample."""

import argparse
import sys
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from yvaxportal.commands.common import Subparsers, add_ini, load_settings
from yvaxportal.documents.fonts import FontMissingError
from yvaxportal.documents.setting import FormOverflowError, MeasureError, TemplateError
from yvaxportal.models.codes import LetterKind
from yvaxportal.outputs.letter_sample import sample_letter
from yvaxportal.outputs.press import LetterPress, SenderUnknownError, open_press
from yvaxportal.services.own_rules import open_schedule
from yvaxportal.values.clock import jst_date, now_utc

_PROGRAMME = "mr2"
_OPTIONS = {
    "place": "市内の指定医療機関",
    "fee": "無料",
    "bring": "この接種券、母子健康手帳",
    "note": "見本",
    "ticket_kind": "2",
}


def add(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser("letters", help="check fonts, templates and sender of letters")
    actions = parser.add_subparsers(required=True)
    check = actions.add_parser("check", help="set a sample of every kind of letter")
    add_ini(check)
    check.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Set each kind once and say what is wrong; 1 when something is."""
    settings = load_settings(args)
    press = open_press(settings, open_schedule(settings))
    today = jst_date(now_utc())
    problems = [problem for kind in LetterKind if (problem := _problem(press, kind, today))]
    for problem in dict.fromkeys(problems):
        print(problem, file=sys.stderr)
    if not problems:
        print(f"letters: in order ({', '.join(kind.value for kind in LetterKind)})")
    return 1 if problems else 0


def _problem(press: LetterPress, kind: LetterKind, today: date) -> str | None:
    options = {"until": today.isoformat(), **_OPTIONS}
    try:
        data = sample_letter(
            press,
            press.schedule.programmes[_PROGRAMME],
            kind=kind,
            title="予防接種のお知らせ",
            printed_for=today,
            options=options,
        )
        with TemporaryDirectory(prefix="yvax-letters-") as folder:
            made = press.typesetter.set_letters(kind.value, data, Path(folder), "sample", now=now_utc())
    except TemplateError as error:
        return f"{error}:\n{error.diagnostic}"
    except (FontMissingError, SenderUnknownError, FormOverflowError, MeasureError) as error:
        return str(error)
    fields = ", ".join(dict.fromkeys(field for some in made.overflow.values() for field in some))
    # The sample is an ordinary letter: where it does not fit, hardly anybody's would be printed.
    return f"{kind.value}: the sample does not fit: {fields}" if fields else None
