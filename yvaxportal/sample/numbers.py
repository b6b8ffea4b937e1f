"""Numbers of made-up people: well-formed, with valid check digits, and of nobody.

Each is a function of a serial number, so that the same person always has the same ones. The ranges that
cannot be real are described in docs/sample_city.md.
"""

from random import Random

from yvaxportal.values.checkdigits import (
    atena_check_digit,
    institution_check_digit,
    personal_number_check_digit,
)

#: Base digits of every sample personal number begin with these.
PERSONAL_NUMBER_PREFIX = "9000"
MOST_RESIDENTS = 9_000_000

_PERSONAL_NUMBERS = 10_000_000
# Coprime to the modulus, so that neighbours look unlike each other and no number comes twice.
_STRIDE = 7919
_SEED_STRIDE = 104_729
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def personal_number(serial: int, seed: int) -> str:
    """Return the 12 digits of sample person ``serial`` (from 1) of the city made with ``seed``."""
    place = (serial * _STRIDE + seed * _SEED_STRIDE) % _PERSONAL_NUMBERS
    base = f"{PERSONAL_NUMBER_PREFIX}{place:07}"
    return base + personal_number_check_digit(base)


def atena_number(serial: int) -> str:
    """Return ten digits, the last a check digit."""
    base = f"{100_000_000 + serial}"
    return base + atena_check_digit(base)


def business_atena_number(serial: int) -> str:
    """Return nine digits, the last a check digit: the key of the health department's own system."""
    base = f"{20_000_000 + serial}"
    return base + atena_check_digit(base)


def household_number(serial: int) -> str:
    """Return ten digits, the last a check digit; the series does not meet that of the people."""
    base = f"{500_000_000 + serial}"
    return base + atena_check_digit(base)


def ticket_number(serial: int) -> str:
    """Return the ten digits of a person's COVID-19 tickets, the same on each of them."""
    return f"{serial:010}"


def institution_code(prefecture: str, serial: int) -> str:
    """Return ten digits: prefecture, medical fee table, a district 99 that no prefecture has, a serial."""
    base = f"{prefecture}199{serial:04}"
    return base + institution_check_digit(base)


def landline(rng: Random, area: str) -> str:
    """Return a telephone number whose local exchange begins with 0, which is never assigned."""
    digits = f"{int(rng.random() * 10**5):05}"
    return f"{area}-0{digits[:1]}-{digits[1:]}"


def mobile(rng: Random) -> str:
    """Return a mobile number whose fourth digit is 0, which is never assigned."""
    digits = f"{int(rng.random() * 10**7):07}"
    return f"090-0{digits[:3]}-{digits[3:]}"


def residence_card(rng: Random) -> str:
    """Return a residence card number beginning and ending in Z, a letter pair kept for samples here."""
    return f"Z{_letter(rng)}{int(rng.random() * 10**8):08}{_letter(rng)}Z"


def passport(rng: Random) -> str:
    """Return a passport number of the series ZZ, which is not issued."""
    return f"ZZ{int(rng.random() * 10**7):07}"


def _letter(rng: Random) -> str:
    return _LETTERS[int(rng.random() * len(_LETTERS))]
