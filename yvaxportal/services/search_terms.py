"""Reading what was typed into the one search box.

Digits, dates, names, addresses and phone numbers may be mixed, in any order and width. A personal number
is recognised before anything else is done, so that it is neither searched nor kept.
"""

import re
from dataclasses import dataclass

from yvaxportal.values.checkdigits import OcrLine, parse_ocr_line
from yvaxportal.values.kana import fold_address, fold_name, fold_phone
from yvaxportal.values.text import contains_personal_number
from yvaxportal.values.wareki import PartialDate, parse_date
from yvaxportal.values.width import fold_dashes, fold_digits, fold_width

MAX_LENGTH = 200
_ADDRESS_END = re.compile(r"(?:町|丁目|番地|番|号|通|字|区|市|郡|村)$")
_RUN = re.compile(r"[0-9]+")
_PERSONAL, _CARD = 12, [4, 4, 4]
_MAX_NUMBER_DIGITS = 15
_TICKET_DIGITS = 10
# As the pages write it: municipality, number.
_TICKET = re.compile(rf"[0-9]{{6}}-([0-9]{{{_TICKET_DIGITS}}})")


class PersonalNumberTypedError(ValueError):
    """Somebody typed or scanned a personal number. Carries nothing of it."""

    def __init__(self) -> None:
        super().__init__("a personal number was typed into the search")


class NothingToSearchError(ValueError):
    """The box was empty, too long, or held nothing that can be searched."""


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """What to look for; all parts must hold together.

    ``names`` is the folded prefix of a name, ``numbers`` digit strings that may be an atena, business
    atena or ticket number, ``maybe_address`` the folded text of ``names`` as an address would write it
    (tried when no name begins so). ``ticket_line`` is the whole line of a ticket, then nothing else is set.
    """

    names: str = ""
    birth: PartialDate | None = None
    numbers: tuple[str, ...] = ()
    ticket_numbers: tuple[str, ...] = ()
    phone: str | None = None
    address: str = ""
    maybe_address: str = ""
    ticket_line: OcrLine | None = None


def read_terms(text: str) -> SearchTerms:
    """Take the typed text apart.

    :raises PersonalNumberTypedError: twelve digits that are or may be a personal number.
    :raises NothingToSearchError: nothing searchable was typed.
    """
    line = read_ticket_line(text)
    if line is not None:
        return SearchTerms(ticket_line=line)
    if contains_personal_number(text):
        raise PersonalNumberTypedError
    if len(text) > MAX_LENGTH or any(_is_broken(char) for char in text):
        raise NothingToSearchError
    names: list[str] = []
    addresses: list[str] = []
    found = SearchTerms()
    for token in text.split():
        found = _add(token, found, names, addresses)
    raw_name = "".join(names)
    terms = SearchTerms(
        names=fold_name(raw_name),
        birth=found.birth,
        numbers=found.numbers,
        ticket_numbers=found.ticket_numbers,
        phone=found.phone,
        address=fold_address("".join(addresses)),
        maybe_address=fold_address(raw_name),
    )
    if not (
        terms.names or terms.birth or terms.numbers or terms.ticket_numbers or terms.phone or terms.address
    ):
        raise NothingToSearchError
    return terms


def read_ticket_line(text: str) -> OcrLine | None:
    """Return the 18-digit line of a ticket that was scanned or typed, in any grouping; else None.

    Digits grouped so that twelve of them may be a personal number are none: that guard stands first.
    """
    if len(text) > MAX_LENGTH:
        return None
    lengths = [len(group) for group in _RUN.findall(fold_digits(text))]
    windows = (lengths[place : place + len(_CARD)] for place in range(len(lengths)))
    if _PERSONAL in lengths or any(window == _CARD for window in windows):
        return None
    return parse_ocr_line(text)


def _is_broken(char: str) -> bool:
    """Tell whether a character is a control, or stands for bytes in another encoding than the page's."""
    return char == "\N{REPLACEMENT CHARACTER}" or (ord(char) < ord(" ") and not char.isspace())


def _add(token: str, found: SearchTerms, names: list[str], addresses: list[str]) -> SearchTerms:
    plain = fold_width(token)
    digits = plain if plain.isascii() and plain.isdigit() else ""
    birth = parse_date(plain)
    if birth is not None and (not digits or len(digits) == len("YYYYMMDD")):
        return _with(found, birth=birth)
    if digits:
        return _number(digits, found)
    if ticket := _TICKET.fullmatch(fold_dashes(plain)):
        return _with(found, ticket_numbers=(*found.ticket_numbers, ticket.group(1)))
    phone = fold_phone(plain)
    if phone is not None:
        return _with(found, phone=phone)
    has_digit = any(char.isdigit() for char in plain)
    if has_digit or _ADDRESS_END.search(plain):
        addresses.append(token)
    else:
        names.append(token)
    return found


def _number(digits: str, found: SearchTerms) -> SearchTerms:
    if len(digits) > _MAX_NUMBER_DIGITS:
        raise NothingToSearchError
    tickets = (*found.ticket_numbers, digits) if len(digits) == _TICKET_DIGITS else found.ticket_numbers
    return _with(
        found,
        numbers=(*found.numbers, digits),
        ticket_numbers=tickets,
        phone=fold_phone(digits) or found.phone,
    )


def _with(
    found: SearchTerms,
    *,
    birth: PartialDate | None = None,
    numbers: tuple[str, ...] | None = None,
    ticket_numbers: tuple[str, ...] | None = None,
    phone: str | None = None,
) -> SearchTerms:
    return SearchTerms(
        birth=birth or found.birth,
        numbers=found.numbers if numbers is None else numbers,
        ticket_numbers=found.ticket_numbers if ticket_numbers is None else ticket_numbers,
        phone=phone or found.phone,
    )
