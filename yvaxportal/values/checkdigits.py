"""Check digits of the numbers a municipality handles.

Every number is a string: leading zeros are part of it. The ``is_*`` functions want the stored form,
ASCII digits without separators; ``check_personal_number`` and ``parse_ocr_line`` also take what people type
or scan.
"""

import re
from dataclasses import dataclass
from typing import Literal

from yvaxportal.values.width import DASHES, INVISIBLE, fold_digits

_PERSONAL_WEIGHTS = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_SEPARATORS = re.compile(f"[\\s{re.escape(DASHES)}{INVISIBLE}]")
_RESIDENCE_CARD = re.compile(r"[A-Z]{2}[0-9]{8}[A-Z]{2}")
_ATENA_MAX_DIGITS = 15

PersonalNumberFault = Literal["length", "characters", "same_digit", "check_digit"]


class PersonalNumberError(ValueError):
    """The text is no personal number. Carries the reason and never a digit of what was typed."""

    def __init__(self, reason: PersonalNumberFault) -> None:
        super().__init__(f"not a personal number: {reason}")
        self.reason: PersonalNumberFault = reason


@dataclass(frozen=True, slots=True)
class OcrLine:
    """The 18 digits of a COVID-19 ticket: kind 1, dose number 1, municipality code 6, ticket number 10."""

    kind: str
    dose_number: int
    municipality_code: str
    ticket_number: str


def _are_digits(text: str, *lengths: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) in lengths


def _require_digits(text: str, *lengths: int) -> None:
    if not _are_digits(text, *lengths):
        raise ValueError(f"wanted {' or '.join(map(str, lengths))} ASCII digits")


def personal_number_check_digit(base11: str) -> str:
    """Return the 12th digit of a personal number (平成26年総務省令第85号 5条) from its first 11."""
    _require_digits(base11, 11)
    remainder = sum(int(d) * w for d, w in zip(base11, _PERSONAL_WEIGHTS, strict=True)) % 11
    return "0" if remainder <= 1 else str(11 - remainder)


def is_personal_number(text: str) -> bool:
    """Tell whether ``text`` is 12 ASCII digits with the right check digit and not one digit repeated."""
    return _are_digits(text, 12) and len(set(text)) > 1 and personal_number_check_digit(text[:11]) == text[11]


def check_personal_number(text: str) -> str:
    """Return the 12 digits typed in ``text``: full-width digits, spaces and hyphens are accepted.

    Raises PersonalNumberError: ``characters`` for anything else, then ``length``, ``same_digit`` (twelve
    equal digits, a filler), ``check_digit``.
    """
    digits = _SEPARATORS.sub("", fold_digits(text))
    if digits and not (digits.isascii() and digits.isdigit()):
        raise PersonalNumberError("characters")
    if not _are_digits(digits, 12):
        raise PersonalNumberError("length")
    if len(set(digits)) == 1:
        raise PersonalNumberError("same_digit")
    if not is_personal_number(digits):
        raise PersonalNumberError("check_digit")
    return digits


def corporate_number_check_digit(base12: str) -> str:
    """Return the first digit of a corporate number (法人番号) from the 12 that follow it."""
    _require_digits(base12, 12)
    total = sum(int(d) * (1 + n % 2) for n, d in enumerate(reversed(base12)))
    return str(9 - total % 9)


def is_corporate_number(text: str) -> bool:
    """Tell whether ``text`` is a 13-digit corporate number."""
    return _are_digits(text, 13) and corporate_number_check_digit(text[1:]) == text[0]


def municipality_check_digit(code5: str) -> str:
    """Return the 6th digit of a municipality code (全国地方公共団体コード)."""
    _require_digits(code5, 5)
    total = sum(int(d) * w for d, w in zip(code5, (6, 5, 4, 3, 2), strict=True))
    return str((11 - total % 11) % 10)


def is_municipality_code(code6: str) -> bool:
    """Tell whether ``code6`` is 6 digits with the right check digit; not whether the place exists."""
    return _are_digits(code6, 6) and municipality_check_digit(code6[:5]) == code6[5]


def _atena_remainder(base: str) -> int:
    return sum(int(d) * (2 + n % 6) for n, d in enumerate(reversed(base))) % 11


def atena_check_digit(base: str) -> str:
    """Return the last digit of an atena or household number: modulus 11, weights 2 to 7 from the right.

    The resident-register standard gives 0 for remainder 0 and is silent on remainder 1; both give 0 here.
    ValueError unless 1 to 14 digits.
    """
    _require_digits(base, *range(1, _ATENA_MAX_DIGITS))
    remainder = _atena_remainder(base)
    return "0" if remainder <= 1 else str(11 - remainder)


def is_atena_number(text: str, *, remainder_one: Literal["zero", "skip"]) -> bool:
    """Tell whether ``text`` (2 to 15 digits) ends in its check digit.

    ``remainder_one``: what the municipality did with bases of remainder 1: gave them 0 ("zero") or never
    issued them ("skip"). Numbers issued before the standard have no check digit: treat False as a warning.
    """
    if not _are_digits(text, *range(2, _ATENA_MAX_DIGITS + 1)):
        return False
    if remainder_one == "skip" and _atena_remainder(text[:-1]) == 1:
        return False
    return atena_check_digit(text[:-1]) == text[-1]


def _luhn_check_digit(base: str) -> str:
    """Weights 2, 1, 2, 1 from the right, the digits of each product added (as 保険者番号 has it)."""
    total = sum(sum(divmod(int(d) * (2 - n % 2), 10)) for n, d in enumerate(reversed(base)))
    return str(-total % 10)


def institution_check_digit(code9: str) -> str:
    """Return the 10th digit of an institution code: prefecture 2, fee table 1, then the 6 it checks."""
    _require_digits(code9, 9)
    return _luhn_check_digit(code9[3:])


def is_institution_code(code10: str) -> bool:
    """Tell whether ``code10`` is a 10-digit institution code (医療機関コード), such as 3110112342."""
    return _are_digits(code10, 10) and institution_check_digit(code10[:9]) == code10[9]


def is_insurer_number(text: str) -> bool:
    """Tell whether ``text`` is an insurer number (保険者番号): 8 digits, national health 6."""
    return _are_digits(text, 6, 8) and _luhn_check_digit(text[:-1]) == text[-1]


def parse_ocr_line(text18: str) -> OcrLine | None:
    """Return the parts of a ticket's 18-digit line as read or typed; None if it cannot be one.

    The line has no check digit of its own: only the municipality code inside can be checked, and a dose
    number is 1 to 9.
    """
    line = _SEPARATORS.sub("", fold_digits(text18))
    if not _are_digits(line, 18) or line[1] == "0" or not is_municipality_code(line[2:8]):
        return None
    return OcrLine(line[0], int(line[1]), line[2:8], line[8:])


def is_residence_card_number(text: str) -> bool:
    """Tell whether ``text`` has the form of a residence card number: 2 letters, 8 digits, 2 letters."""
    return _RESIDENCE_CARD.fullmatch(text) is not None
