"""The purposes for which a personal number may be read, each with its legal basis (measure M25)."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import NoneType
from typing import Any

from yvaxportal.values.text import contains_personal_number

SHIPPED = Path(__file__).with_name("purposes.toml")
CASE_LENGTH = 64
_ID = re.compile(r"[a-z][a-z_]{1,40}")
_CASE = re.compile(r"[^\W_](?:[\w \-./()（）・]*\w)?")


class PurposeError(ValueError):
    """No such purpose is configured, or the case reference is none; ``field`` says which."""

    def __init__(self, field: str) -> None:
        super().__init__(f"the {field} is not acceptable")
        self.field = field


@dataclass(frozen=True, slots=True)
class Purpose:
    """One purpose; valid from and to are inclusive, no end means "still"."""

    id: str
    label_ja: str
    label_en: str
    legal_basis: str
    valid_from: date
    valid_to: date | None = None

    def in_force(self, day: date) -> bool:
        """Tell whether the purpose may be named on ``day``."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


def load_purposes(extra: Path | None = None) -> Mapping[str, Purpose]:
    """Return the purposes by id; entries of ``extra`` are added or replace the shipped ones.

    :raises ValueError: a file is no TOML, or an entry is incomplete.
    """
    purposes: dict[str, Purpose] = {}
    for path in (SHIPPED, extra) if extra else (SHIPPED,):
        for entry in tomllib.loads(path.read_text("utf-8")).get("purpose", []):
            purpose = _build(path, entry)
            purposes[purpose.id] = purpose
    return purposes


def _build(path: Path, entry: dict[str, Any]) -> Purpose:
    try:
        purpose = Purpose(**entry)
    except TypeError:
        raise ValueError(f"{path.name}: an entry is incomplete or has an unknown item") from None
    texts = (purpose.id, purpose.label_ja, purpose.label_en, purpose.legal_basis)
    if not all(isinstance(text, str) and text for text in texts) or not _ID.fullmatch(purpose.id):
        raise ValueError(f"{path.name}: {purpose.id!r} lacks a proper id, a label or a legal basis")
    first, last = purpose.valid_from, purpose.valid_to
    # Not isinstance: a TOML date with a time is a date to Python, and cannot be compared with one.
    if type(first) is not date or type(last) not in {date, NoneType} or (last and last < first):
        raise ValueError(f"{path.name}: {purpose.id!r} has no proper dates")
    return purpose


def check_case(reference: str) -> str:
    """Return the case reference without blanks around it.

    :raises PurposeError: it is empty, longer than 64 characters, or holds a personal number.
    """
    case = reference.strip()
    if len(case) > CASE_LENGTH or not _CASE.fullmatch(case) or contains_personal_number(case):
        raise PurposeError("case_reference")
    return case
