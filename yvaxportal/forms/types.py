"""Colander types that read what staff type and keep it as typed when it cannot be read."""

import unicodedata
from datetime import date

import colander

from yvaxportal.values.text import _
from yvaxportal.values.wareki import parse_date
from yvaxportal.values.width import fold_dashes, fold_digits

CSRF_FIELD = "csrf_token"

_BIDI_CONTROLS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CONTROL_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_MAX_NUMBER_LENGTH = 18


class StrictMapping(colander.Mapping):
    """A mapping that refuses unknown names and, unlike colander's own way, does not repeat their values."""

    def deserialize(self, node: colander.SchemaNode, cstruct: object) -> object:
        """Return the values; Invalid when a name is not the schema's."""
        if isinstance(cstruct, dict) and (
            unknown := cstruct.keys() - {child.name for child in node.children}
        ):
            message = _(
                "The form has ${count} unknown items. Nothing was saved.", mapping={"count": len(unknown)}
            )
            raise colander.Invalid(node, message)
        return super().deserialize(node, cstruct)


class _TypedText(colander.SchemaType):
    """A value that is one line of typed text in the browser; empty is null."""

    def serialize(self, _node: colander.SchemaNode, appstruct: object) -> object:
        """Return the text to show."""
        return colander.null if appstruct in (colander.null, None) else str(appstruct)

    def deserialize(self, node: colander.SchemaNode, cstruct: object) -> object:
        """Return the value that was typed; Invalid, without repeating it, when it cannot be read."""
        if cstruct in (colander.null, None, ""):
            return colander.null
        if not isinstance(cstruct, str):
            raise colander.Invalid(node, _("Enter this item as text."))
        text = cstruct.replace("\r\n", "\n").replace("\r", "\n").strip()
        return self.read(node, text) if text else colander.null

    def read(self, node: colander.SchemaNode, text: str) -> object:
        """Return the value of trimmed, non-empty text."""
        raise NotImplementedError

    def cstruct_children(self, _node: colander.SchemaNode, _cstruct: object) -> list[object]:
        """Return nothing: the value has no parts."""
        return []


class PlainText(_TypedText):
    """Text without control characters and without those that turn the direction of writing."""

    def __init__(self, *, lines: bool = False) -> None:
        self._allowed = "\n\t" if lines else ""

    def read(self, node: colander.SchemaNode, text: str) -> str:
        """Return the text as it is."""
        if any(_is_control(character) for character in text if character not in self._allowed):
            message = _(
                "There is a character here that cannot be shown. Type the text again instead of pasting it."
            )
            raise colander.Invalid(node, message)
        return text


class DateText(_TypedText):
    """A day of the calendar, read in any usual writing and written as ``2026-11-23``."""

    def serialize(self, node: colander.SchemaNode, appstruct: object) -> object:
        """Return the day as ``2026-11-23``."""
        return appstruct.isoformat() if isinstance(appstruct, date) else super().serialize(node, appstruct)

    def read(self, node: colander.SchemaNode, text: str) -> date:
        """Return the day; Invalid for no date, and for a date whose day or month is left open."""
        found = parse_date(text)
        if found is None:
            message = _("This is not a date. Write it like R8.11.23, 20261123 or 2026-11-23.")
            raise colander.Invalid(node, message)
        if found.month is None or found.day is None:
            raise colander.Invalid(node, _("The day is missing. Write year, month and day."))
        return date(found.year, found.month, found.day)


class WholeNumber(_TypedText):
    """A whole number in any width, with or without commas."""

    def read(self, node: colander.SchemaNode, text: str) -> int:
        """Return the number."""
        plain = fold_dashes(fold_digits(text)).replace(",", "").replace("，", "")
        digits = plain.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > _MAX_NUMBER_LENGTH:
            raise colander.Invalid(node, _("Enter a whole number in digits."))
        return int(plain)


class Digits(_TypedText):
    """Exactly ``length`` digits, kept as text; blanks and hyphens between them are dropped."""

    def __init__(self, length: int) -> None:
        self._length = length

    def read(self, node: colander.SchemaNode, text: str) -> str:
        """Return the digits."""
        plain = "".join(fold_dashes(fold_digits(text)).replace("-", "").split())
        if not (plain.isascii() and plain.isdigit()) or len(plain) != self._length:
            message = _("Enter ${length} digits.", mapping={"length": self._length})
            raise colander.Invalid(node, message)
        return plain


def _is_control(character: str) -> bool:
    return character in _BIDI_CONTROLS or unicodedata.category(character) in _CONTROL_CATEGORIES
