"""Birth dates of which a part is unknown: the days they may be."""

from collections.abc import Iterator
from datetime import date, timedelta

from yvaxportal.programme.person import Person

_DAY = timedelta(days=1)


def exact_birth(person: Person) -> date | None:
    """Return the birth date, None unless all of it is known."""
    return person.birth if person.birth is None or isinstance(person.birth, date) else person.birth.exact


def possible_births(person: Person, today: date) -> Iterator[date]:
    """Give every day that a partly known birth date may be; none for one that is wholly unknown."""
    if person.birth is None or isinstance(person.birth, date):
        return
    day, last = person.birth.earliest, min(person.birth.latest, today)
    while day <= last:
        yield day
        day += _DAY
