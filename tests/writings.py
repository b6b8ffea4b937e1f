"""How a Japanese page may write a stored value."""

import re
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import polib
from sqlalchemy import select
from sqlalchemy.orm import Session

from yvaxportal.forms.labels import label
from yvaxportal.models.dose import MedicalInstitution
from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.values.clock import format_jst
from yvaxportal.values.wareki import parse_date, seireki, wareki, wareki_short

_CATALOGUE = Path(__file__).parents[1] / "yvaxportal" / "locale" / "ja" / "LC_MESSAGES" / "yvaxportal.po"
_SCHOOL_AGE = 72


class Writings:
    """Looks for values in pages. Make it after the medical institutions are there."""

    def __init__(self, session: Session) -> None:
        self._institutions = {row.id: row.name for row in session.scalars(select(MedicalInstitution))}
        self._texts = {entry.msgid: entry.msgstr for entry in polib.pofile(str(_CATALOGUE))}
        self._vaccines = {vaccine.code: vaccine for vaccine in load_catalogue().vaccines.values()}

    def appears(self, column: str, value: Any, text: str) -> bool:
        """Tell whether the page's text has the value in any usual writing."""
        return any(writing in text for writing in self._of(column, value))

    def label(self, message: str) -> list[str]:
        """Return a message in English and, when translated, in Japanese."""
        return [str(message), *filter(None, [self._texts.get(str(message))])]

    def _of(self, column: str, value: Any) -> list[str]:
        match value:
            case bool():
                return self.label("Yes" if value else "No")
            case StrEnum():
                return self.label(label(value))
            case datetime():
                return [format_jst(value)]
            case date():
                return [wareki(value), wareki_short(value), seireki(value), value.isoformat()]
            case int():
                return self._number(column, value)
            case _:
                return self._text(column, str(value))

    def _number(self, column: str, value: int) -> list[str]:
        if column == "medical_institution_id":
            return [self._institutions[value]]
        if column.startswith("age_"):
            years, months = divmod(value, 12)
            exact = [f"{years}歳{months}", f"{years} y {months}"]
            return exact if value < _SCHOOL_AGE else [*exact, f"{years}歳", f"{years} y"]
        return [str(value), f"{value:,}"]

    def _text(self, column: str, value: str) -> list[str]:
        if column == "date_of_birth_written" and (born := parse_date(value)):
            return [seireki(born), wareki(born), value]
        if column == "vaccine":
            vaccine = self._vaccines[value]
            return [vaccine.name_ja, vaccine.short_ja]
        if column == "postal_code":
            return [re.sub(r"^(\d{3})", r"\1-", value)]
        return [value]
