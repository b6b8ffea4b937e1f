"""Tickets, and certificates with the passport details that a travel certificate shows."""

from datetime import date, timedelta
from random import Random

from yvaxportal.models.codes import CertificateKind, CertificateState, TicketState
from yvaxportal.sample.choice import chance, day_between, one_of
from yvaxportal.sample.copy_text import line
from yvaxportal.sample.names import SPACE
from yvaxportal.sample.numbers import passport, ticket_number
from yvaxportal.sample.people import Person
from yvaxportal.sample.planned import TEMPORARY, Planned
from yvaxportal.sample.romaji import romanise

_FORMER_SURNAMES = ("SAITO", "KONDO", "HIGASHI")
_DOSE_TICKET, _DAYS_BEFORE = "2", 21
_APPLICATIONS = date(2021, 7, 26), date(2024, 3, 31)
_SHINGLES_YEAR_FROM, _ELDERLY = date(2026, 4, 1), range(65, 101, 5)


class Papers:
    """Writes the papers of people as rows for COPY."""

    def __init__(self, today: date, municipality_code: str) -> None:
        self._today, self._municipality_code = today, municipality_code
        self.tickets: list[str] = []
        self.certificates: list[str] = []
        self.passports: list[str] = []

    def issue(self, rng: Random, person: Person, recorded: list[Planned]) -> None:
        """Write the used and the next COVID-19 ticket, an invitation, and sometimes a certificate."""
        covid = sorted(
            (dose for dose in recorded if dose.category is TEMPORARY and self._was_here(person, dose.day)),
            key=lambda dose: dose.number,
        )
        if covid:
            last = covid[-1]
            self._ticket(person, last, TicketState.USED)
            if chance(rng, 0.25):
                following = Planned(last.vaccine, last.number + 1, last.day + timedelta(days=90))
                if chance(rng, 0.2):
                    self._ticket(person, following, TicketState.VOID, "紛失による再発行")
                self._ticket(person, following, TicketState.ISSUED)
            if len(covid) > 1 and chance(rng, 0.05):
                self._certificate(rng, person, last.day)
        if person.age_on(date(self._today.year + 1, 4, 1)) in _ELDERLY and person.ceased_on is None:
            invited = Planned("shingles_recombinant", 1, _SHINGLES_YEAR_FROM + timedelta(days=_DAYS_BEFORE))
            self._ticket(person, invited, TicketState.ISSUED)

    @staticmethod
    def _was_here(person: Person, day: date) -> bool:
        return person.became_on is None or day >= person.became_on

    def _ticket(self, person: Person, dose: Planned, state: TicketState, why: str | None = None) -> None:
        self.tickets.append(
            line(
                person.serial,
                dose.vaccine,
                _DOSE_TICKET,
                min(dose.number, 9),
                self._municipality_code,
                ticket_number(person.serial),
                dose.day - timedelta(days=_DAYS_BEFORE),
                state.value,
                why,
            )
        )

    def _certificate(self, rng: Random, person: Person, last: date) -> None:
        """Write a certificate applied for at the counter; ids count on from the person's number."""
        if last > _APPLICATIONS[1]:
            return
        travel = chance(rng, 0.6)
        issued_on = day_between(rng, max(last, _APPLICATIONS[0]), _APPLICATIONS[1])
        void = chance(rng, 0.05)
        self.certificates.append(
            line(
                person.serial,
                person.serial,
                f"{issued_on:%Y%m}{person.serial:08}",
                issued_on,
                (CertificateKind.TRAVEL if travel else CertificateKind.DOMESTIC).value,
                (CertificateState.VOID if void else CertificateState.VALID).value,
                "記載内容の訂正により再発行" if void else None,
                f"{issued_on} 05:00:00+00",
            )
        )
        if travel:
            former = person.former_name.partition(SPACE)[0] if person.former_name else None
            if former is None and chance(rng, 0.12):
                former = one_of(rng, _FORMER_SURNAMES)
            self.passports.append(
                line(
                    person.serial,
                    former,
                    "SMITH" if chance(rng, 0.1) else None,
                    "ANNA" if chance(rng, 0.1) else None,
                    person.name_alphabet or romanise(person.name_kana),
                    person.foreign.nationality if person.foreign else "日本",
                    passport(rng),
                )
            )
