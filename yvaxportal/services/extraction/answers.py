"""Answers of the engine that are asked for again: by the next trial run, and when the list is saved."""

from datetime import date
from typing import NamedTuple

from yvaxportal.programme.forecasting import Forecast
from yvaxportal.programme.person import GivenDose, Person

MOST_KEPT = 60_000


class Question(NamedTuple):
    """Everything that an answer depends on: the engine has no clock and no database."""

    schedule_version: str
    programme: str
    day: date
    person: Person
    doses: tuple[GivenDose, ...]


class Answers:
    """The answers one process remembers, in memory only and without names: the latest ``most`` or so."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._known: dict[Question, Forecast] = {}

    def get(self, question: Question) -> Forecast | None:
        """Return the answer, None when it is not remembered."""
        return self._known.get(question)

    def keep(self, question: Question, answer: Forecast) -> None:
        """Remember an answer."""
        if len(self._known) >= self._most:
            self._known = {}
        self._known[question] = answer
