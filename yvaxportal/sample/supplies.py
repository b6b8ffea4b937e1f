"""Lot numbers and fees of the vaccines given in the made-up city."""

from datetime import date
from functools import lru_cache
from random import Random

from yvaxportal.programme.catalogue import Vaccine
from yvaxportal.sample.choice import between, chance, one_of, stream

_LOTS_A_YEAR = 8
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXY"
# A stands for a letter, 9 for a digit; the first beginning of the code that fits.
_SHAPES = (
    ("comirnaty", "AA9999"), ("spikevax", "9999999"), ("vaxzevria", "A9999"), ("nuvaxovid", "9999AA99"),
    ("daichirona", "AAA9999"), ("kostaive", "AA9999"), ("bcg", "KH999"), ("influenza", "999A"),
    ("mr", "A9999"), ("je", "AA999A"), ("pcv", "AA9999"), ("ppsv", "A99999"), ("rotavirus", "9A99AA"),
    ("", "A999A"),
)  # fmt: skip
_FEES = {
    "rotavirus": 14_300, "hepatitis_b": 6_710, "pneumococcal_child": 12_100, "dpt_ipv_hib": 20_350,
    "hib": 8_800, "dpt_ipv": 11_000, "dpt": 5_500, "polio": 9_900, "bcg": 9_350, "mr": 10_450,
    "measles": 6_600, "rubella": 6_600, "varicella": 8_910, "mumps": 6_000, "je": 7_150, "dt": 4_730,
    "hpv": 27_500, "rubella_fifth": 10_450, "rs_maternal": 30_800, "influenza": 4_950,
    "pneumococcal_elderly": 8_470, "covid19": 15_600, "shingles": 22_000,
}  # fmt: skip


@lru_cache(maxsize=4096)
def lots(seed: int, vaccine: Vaccine, year: int) -> tuple[str, ...]:
    """Return the lots of a vaccine that were about in a year; each fits the vaccine's pattern."""
    rng = stream(seed, f"lots:{vaccine.code}:{year}")
    shape = next(shape for beginning, shape in _SHAPES if vaccine.code.startswith(beginning))
    return tuple(
        "".join(
            one_of(rng, _LETTERS) if mark == "A" else str(between(rng, 0, 9)) if mark == "9" else mark
            for mark in shape
        )
        for _ in range(_LOTS_A_YEAR)
    )


def lot(rng: Random, seed: int, vaccine: Vaccine, day: date) -> str:
    """Return one of the lots in use on ``day``."""
    return one_of(rng, lots(seed, vaccine, day.year))


def fee(rng: Random, vaccine: Vaccine) -> int:
    """Return what the municipality pays for a dose, in yen; a few institutions charge a little more."""
    usual = _FEES[vaccine.series]
    return usual + 330 if chance(rng, 0.05) else usual
