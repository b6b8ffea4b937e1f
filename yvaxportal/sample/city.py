"""The made-up city, chunk by chunk: a chunk depends on the plan and its number alone, not on other chunks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from random import Random

from yvaxportal.models.codes import ResidentCategory
from yvaxportal.programme.catalogue import Catalogue, load_catalogue
from yvaxportal.sample.choice import chance, one_of, stream
from yvaxportal.sample.copy_text import line
from yvaxportal.sample.doses import DoseBook, Practice
from yvaxportal.sample.eligibilities import Registers
from yvaxportal.sample.foreigners import make_foreign
from yvaxportal.sample.households import Builder
from yvaxportal.sample.institutions import Institution, make_institutions
from yvaxportal.sample.names import SPACE, Names, load_names
from yvaxportal.sample.numbers import MOST_RESIDENTS, landline
from yvaxportal.sample.papers import Papers
from yvaxportal.sample.people import Person
from yvaxportal.sample.places import Places, load_places
from yvaxportal.sample.planned import Planned
from yvaxportal.sample.register import Register
from yvaxportal.sample.resident_rows import ResidentRows
from yvaxportal.sample.schedule_adults import adulthood, in_pregnancy
from yvaxportal.sample.schedule_children import childhood
from yvaxportal.sample.schedule_covid import covid19
from yvaxportal.sample.specimens import specimens

CHUNK = 500
_DOCTORS = 400
_DAYS_SINCE_RS = 240  # the programme for pregnant women is not older
_FOREIGN_SHARE, _PROTECTED_SHARE = 0.022, 0.012


@dataclass(frozen=True, slots=True)
class Plan:
    """What decides every row of the city, byte for byte."""

    residents: int
    seed: int
    municipality_code: str
    today: date

    def __post_init__(self) -> None:
        if not 0 < self.residents <= MOST_RESIDENTS:
            raise ValueError(f"a sample city has 1 to {MOST_RESIDENTS} residents")

    @property
    def chunks(self) -> int:
        """The number of chunks."""
        return -(-self.residents // CHUNK)

    def size(self, chunk: int) -> int:
        """Return how many people are in a chunk."""
        return min(CHUNK, self.residents - chunk * CHUNK)


@dataclass(slots=True)
class ChunkRows:
    """The rows of one chunk: for each table the lines that COPY reads, and who has a personal number."""

    tables: dict[str, list[str]] = field(default_factory=dict)
    numbered: list[int] = field(default_factory=list)


class City:
    """The generator of one plan. Making it reads the word lists; ``chunk`` makes the people."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._names: Names = load_names()
        self._places: Places = load_places(plan.municipality_code)
        self._catalogue: Catalogue = load_catalogue()
        self._builder = Builder(self._names, self._places, plan.today)
        self._register = Register(self._names, self._places, plan.today)
        self._registers = Registers(plan.today)

    @cached_property
    def institutions(self) -> tuple[Institution, ...]:
        """The medical institutions."""
        rng = stream(self._plan.seed, "doctors")
        doctors = tuple(
            f"{self._names.surname(rng).written}{SPACE}"
            f"{self._names.given(rng, one_of(rng, '12'), 1970).written}"
            for _ in range(_DOCTORS)
        )
        return make_institutions(self._plan.seed, self._places, self._plan.today, doctors)

    @cached_property
    def _practices(self) -> tuple[tuple[Institution, ...], tuple[Institution, ...], tuple[Institution, ...]]:
        found = self.institutions
        still_open = tuple(one for one in found if one.valid_to is None)
        return tuple(one for one in found if one.paediatric), found, still_open

    def chunk(self, number: int) -> ChunkRows:
        """Make the people of a chunk and return their rows."""
        plan = self._plan
        rng = stream(plan.seed, f"chunk:{number}")
        people = ResidentRows(plan.today)
        book = DoseBook(plan.seed, plan.today, plan.municipality_code, self._catalogue)
        papers = Papers(plan.today, plan.municipality_code)
        rows = ChunkRows()
        eligibilities: list[str] = []
        for members in self._households(rng, number):
            practice = self._practice(rng)
            for member in members:
                people.write(rng, member)
                recorded = book.record(rng, member, self._life(rng, member, members), practice)
                papers.issue(rng, member, recorded)
                if member.category is not ResidentCategory.NON_REGISTERED:
                    rows.numbered.append(member.serial)
            for member, entry in self._registers.entries(rng, members):
                eligibilities.append(
                    line(
                        member.serial,
                        entry.kind.value,
                        entry.state.value,
                        entry.detail,
                        entry.valid_from,
                        entry.valid_to,
                        f"{entry.as_of} 17:00:00+00",
                        entry.source,
                    )
                )
        rows.tables = {
            "resident": people.residents,
            "resident_name": people.names,
            "resident_contact": people.contacts,
            "foreign_resident": people.foreign,
            "resident_note": people.notes,
            "support_measure": people.support,
            "eligibility": eligibilities,
            "dose": book.doses,
            "sample_change": book.changes,
            "ticket": papers.tickets,
            "certificate": papers.certificates,
            "passport_details": papers.passports,
        }
        return rows

    def _households(self, rng: Random, number: int) -> Iterator[list[Person]]:
        """Give the households of a chunk with their serial numbers; the last one may be cut short."""
        size, first = self._plan.size(number), number * CHUNK + 1
        made, households = 0, self._endless(rng, number)
        while made < size:
            members = next(households)[: size - made]
            household = first + made
            for member in members:
                member.serial, member.household = first + made, household
                made += 1
            yield members

    def _endless(self, rng: Random, number: int) -> Iterator[list[Person]]:
        if number == 0:
            home, other = (self._places.home(rng, flat=False) for _ in range(2))
            for members in specimens(home, other, self._plan.today):
                for member in members:
                    member.phone = landline(rng, self._places.area)
                yield members
        while True:
            yield self._household(rng)

    def _household(self, rng: Random) -> list[Person]:
        members = self._builder.household(rng)
        if chance(rng, _FOREIGN_SHARE):
            make_foreign(rng, self._names, members, self._plan.today)
        else:
            for member in members:
                self._register.blur(rng, member)
        self._register.enter(rng, members)
        alone_with_child = len(members) > 1 and members[1].relationship == "子"
        if alone_with_child and chance(rng, _PROTECTED_SHARE):
            self._register.protect(rng, members)
        return members

    def _practice(self, rng: Random) -> Practice:
        children, everybody, still_open = self._practices
        return Practice(one_of(rng, children), one_of(rng, everybody), one_of(rng, still_open))

    def _life(self, rng: Random, member: Person, members: list[Person]) -> Iterator[Planned]:
        today = self._plan.today
        yield from childhood(rng, member.birth, member.sex, today)
        yield from adulthood(rng, member.birth, member.sex, today)
        yield from covid19(rng, member.birth, today)
        if member.sex == "2" and member.relationship in {"世帯主", "妻", "子の妻"}:
            for child in members:
                if child.relationship in {"子", "子の子"} and (today - child.birth).days < _DAYS_SINCE_RS:
                    yield from in_pregnancy(rng, child.birth)
