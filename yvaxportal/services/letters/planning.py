"""What becomes of each person of a run: printed, held or dropped, and why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy.orm import Session

from yvaxportal.models.codes import LetterKind, ResidentCategory
from yvaxportal.models.letter import LetterRun
from yvaxportal.programme.forecasting import forecast
from yvaxportal.programme.person import Person
from yvaxportal.programme.schedule import Programme, Schedule
from yvaxportal.services.circumstances import circumstances_of, not_invited
from yvaxportal.services.extraction.cohort import read_birth
from yvaxportal.services.letters.given import given_doses
from yvaxportal.services.letters.reasons import Dropped, Held
from yvaxportal.services.letters.recipients import Recipient, in_order, recipients
from yvaxportal.services.tickets.issuing import tickets_standing
from yvaxportal.services.tickets.numbers import ticket_line

_GONE: Mapping[ResidentCategory, Dropped] = {
    ResidentCategory.DECEASED: Dropped.DECEASED,
    ResidentCategory.MOVED_OUT: Dropped.MOVED_OUT,
    ResidentCategory.REMOVED: Dropped.REMOVED,
}
#: What somebody may have asked for themselves, whatever they do not want to be posted (勧奨不要).
_ASKED_FOR = frozenset({LetterKind.RECORD_CERTIFICATE})
Why = tuple[Held | Dropped, str | None]


@dataclass(frozen=True, slots=True)
class NotPrinted:
    """Somebody whose letter is not printed. ``detail``: e.g. the characters that the font lacks."""

    recipient: Recipient
    reason: Held | Dropped
    detail: str | None = None


@dataclass
class Plan:
    """Everybody of a run. ``printable`` is in the order of delivery; more may be held while it is set."""

    printable: list[Recipient]
    not_printed: list[NotPrinted] = field(default_factory=list)

    @property
    def people(self) -> int:
        """Return how many the run is for."""
        return len(self.printable) + len(self.not_printed)

    def hold(self, recipient: Recipient, reason: Held, detail: str | None = None) -> None:
        """Hold a letter that turned out not to be printable; the caller leaves it out of the pile."""
        self.not_printed.append(NotPrinted(recipient, reason, detail))


def make_plan(
    session: Session,
    run: LetterRun,
    schedule: Schedule,
    programme: Programme,
    lacking: Callable[[Recipient], str | None],
) -> Plan:
    """Decide about everybody.

    :param lacking: tells which characters of a letter the font does not have, None when it has all.
    """
    people = list(recipients(session, run))
    judge = _Judge(session, run, schedule, programme, people)
    plan = Plan([])
    for one in people:
        why = judge.why_not(one)
        if why is None and (missing := lacking(one)) is not None:
            why = (Held.CHARACTERS, missing)
        if why is None:
            plan.printable.append(one)
        else:
            plan.not_printed.append(NotPrinted(one, *why))
    plan.printable = in_order(plan.printable)
    return plan


class _Judge:
    """Reads what the decisions need for all people at once."""

    def __init__(
        self,
        session: Session,
        run: LetterRun,
        schedule: Schedule,
        programme: Programme,
        people: Sequence[Recipient],
    ) -> None:
        ids = [one.resident_id for one in people]
        self._run = run
        self._silent: frozenset[int] = frozenset()
        self._given: frozenset[int] = frozenset()
        self._with_doses: frozenset[int] | None = None
        self._standing: set[tuple[int, int]] = set()
        if run.extraction_id is not None and run.kind not in _ASKED_FOR:
            self._silent = not_invited(session, ids, run.printed_for)
        if run.kind is LetterKind.REMINDER:
            self._given = _who_came(session, schedule, programme, people, run.printed_for)
        if run.kind is LetterKind.RECORD_CERTIFICATE:
            self._with_doses = _with_doses(session, programme, ids)
        if run.kind is LetterKind.TICKET:
            kind = str(run.options["ticket_kind"])
            self._standing = tickets_standing(
                session, programme=programme.code, kind=kind, day=run.printed_for, resident_ids=ids
            )

    def why_not(self, one: Recipient) -> Why | None:
        """Return why a letter is not printed; the first reason that applies."""
        if one.category in _GONE:
            return _GONE[one.category], None
        if one.resident_id in self._given:
            return Dropped.DOSE_ON_RECORD, None
        if one.resident_id in self._silent:
            return Dropped.NO_INVITATION, None
        if one.protected and not one.released:
            return Held.SUPPORT_MEASURE, None
        if not one.address:
            return Held.NO_ADDRESS, None
        return self._of_kind(one)

    def _of_kind(self, one: Recipient) -> Why | None:
        if self._with_doses is not None and one.resident_id not in self._with_doses:
            return Held.NO_DOSE, None
        if self._run.kind is not LetterKind.TICKET:
            return None
        number = one.dose_number or 1
        try:
            ticket_line("0", number, "", "")
        except ValueError:
            return Held.DOSE_NUMBER, str(number)
        if one.ticket_id is None and (one.resident_id, number) in self._standing:
            return Held.TICKET_EXISTS, None
        return None


def _with_doses(session: Session, programme: Programme, ids: Sequence[int]) -> frozenset[int]:
    wanted = set(programme.vaccines)
    return frozenset(
        person
        for person, doses in given_doses(session, ids).items()
        if any(dose.vaccine in wanted for dose in doses)
    )


def _who_came(
    session: Session, schedule: Schedule, programme: Programme, people: Sequence[Recipient], day: date
) -> frozenset[int]:
    """Return who has had, by ``day``, the dose that they were invited to."""
    doses = given_doses(session, [one.resident_id for one in people])
    wanted = set(programme.vaccines)
    asked = [one for one in people if any(dose.vaccine in wanted for dose in doses.get(one.resident_id, ()))]
    special = circumstances_of(session, [one.resident_id for one in asked], day)
    came = set()
    for one in asked:
        person = Person(
            read_birth(one.date_of_birth_written), one.sex.value, special.get(one.resident_id, ())
        )
        answer = forecast(schedule, person, doses[one.resident_id], day, frozenset({programme.code}))[0]
        later = one.dose_number is not None and answer.dose_number > one.dose_number
        if answer.status == "done" or (answer.status in {"due", "soon", "overdue"} and later):
            came.add(one.resident_id)
    return frozenset(came)
