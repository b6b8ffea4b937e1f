"""Made-up medical institutions of the prefecture, and places of mass vaccination without a code."""

from dataclasses import dataclass
from datetime import date

from yvaxportal.sample.choice import between, chance, one_of, stream
from yvaxportal.sample.numbers import institution_code, landline
from yvaxportal.sample.places import Places
from yvaxportal.sample.words import words

_CLOSED_SHARE = 0.06
_FIRST_DAY = date(1995, 4, 1)


@dataclass(frozen=True, slots=True)
class Institution:
    """One institution; ``id`` is its key in the table."""

    id: int
    code: str
    name: str
    postal_code: str
    address: str
    phone_number: str
    valid_from: date
    valid_to: date | None
    paediatric: bool
    physicians: tuple[str, ...]


def make_institutions(
    seed: int, places: Places, today: date, doctors: tuple[str, ...]
) -> tuple[Institution, ...]:
    """Return all institutions; ``doctors`` are names that they share among themselves."""
    rng = stream(seed, "institutions")
    made: list[Institution] = []
    kinds = [(suffix, True) for suffix in words("paediatric_institutions")]
    kinds += [(suffix, False) for suffix in words("general_institutions")]
    for suffix, paediatric in kinds:
        for word in words("institution_words"):
            number = len(made) + 1
            home = places.home(rng, flat=False)
            closed = chance(rng, _CLOSED_SHARE)
            made.append(
                Institution(
                    id=number,
                    code=institution_code(places.municipality_code[:2], number),
                    name=f"{word}{suffix}",
                    postal_code=home.postal_code,
                    address=home.address,
                    phone_number=landline(rng, places.area),
                    valid_from=_FIRST_DAY,
                    valid_to=date(today.year - between(rng, 0, 2), 3, 31) if closed else None,
                    paediatric=paediatric,
                    physicians=(one_of(rng, doctors), one_of(rng, doctors)),
                )
            )
    return tuple(made)
