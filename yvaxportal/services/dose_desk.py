"""What recording and correcting a dose have in common: one at a time, judged, written, compared."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeAlias

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import (
    DoseState,
    Judgement,
)
from yvaxportal.models.dose import Dose, IdentityCheck
from yvaxportal.programme.catalogue import Catalogue, Vaccine
from yvaxportal.programme.schedule import Schedule
from yvaxportal.services.dose_checks import check_dose
from yvaxportal.services.dose_columns import columns, person_of, settle
from yvaxportal.services.dose_draft import DoseDraft, Person, Place
from yvaxportal.services.dose_findings import DoseError, Finding, Findings
from yvaxportal.services.dose_history import SeenDoses, StoredDose, dose_of, other_doses, seen_doses
from yvaxportal.services.institutions import place_of
from yvaxportal.values.text import contains_personal_number

# The first key of the advisory lock of a person's doses; the second is the person's id, modulo 2^31.
_LOCK = 0x646F7365
_ACTIVE_INDEX = "uq_dose_active"
_DOUBLES = (DoseError.DOUBLE_DAY, DoseError.DOUBLE_NUMBER)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The alerts that staff were shown (keys of ``Finding``) and the reason they gave for going on."""

    keys: frozenset[str] = field(default_factory=frozenset)
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """The dose is kept. ``already``: this very entry had been saved before; nothing was written now."""

    dose_id: int
    revision: int
    already: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was saved: there are errors."""

    findings: Findings


@dataclass(frozen=True, slots=True)
class NeedsReason:
    """Nothing was saved: there are alerts that nobody has seen yet, or no reason was given."""

    findings: Findings


@dataclass(frozen=True, slots=True)
class Conflict:
    """Nothing was saved: somebody else saved ``theirs`` after the form was opened."""

    theirs: StoredDose


Outcome: TypeAlias = Saved | Refused | NeedsReason | Conflict


@dataclass(frozen=True, slots=True)
class Judged:
    """A draft with what follows from the vaccine and the list of institutions, and what was found."""

    draft: DoseDraft
    vaccine: Vaccine | None
    place: Place | None
    person: Person
    findings: Findings


def lock_doses(session: Session, resident_id: int) -> None:
    """Wait until nobody else writes a dose of this person; held until the transaction ends."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(CAST(:place AS integer), CAST(:person AS integer))"),
        {"place": _LOCK, "person": resident_id % 2**31},
    )


@dataclass(frozen=True, slots=True)
class DoseDesk:
    """Where one member of staff works on doses, within one transaction.

    :param now: the aware instant that is written; :param today: the day in Japan it falls on.
    """

    session: Session
    schedule: Schedule
    audit: AuditTrail
    staff_id: int
    now: datetime
    today: date

    @property
    def catalogue(self) -> Catalogue:
        """The vaccines that can be recorded."""
        return self.schedule.catalogue

    def lock(self, resident_id: int) -> None:
        """Wait until nobody else writes a dose of this person; held until the transaction ends."""
        lock_doses(self.session, resident_id)

    def settled(self, draft: DoseDraft) -> DoseDraft:
        """Return a draft with what follows from the vaccine and the list of institutions."""
        return settle(draft, self.catalogue.get(draft.vaccine), self._place(draft))

    def judge(self, resident_id: int, draft: DoseDraft, *, without: int | None = None) -> Judged:
        """Complete a draft and judge it against the person and the other doses as they stand."""
        vaccine = self.catalogue.get(draft.vaccine)
        place = self._place(draft)
        settled = settle(draft, vaccine, place)
        person = person_of(self.session, resident_id, self.today)
        others = other_doses(self.session, resident_id, without=without)
        findings = check_dose(settled, person, others, self.schedule, self.today, place=place)
        return Judged(settled, vaccine, place, person, findings)

    def _saved_meanwhile(self, resident_id: int, findings: Findings, seen: SeenDoses) -> StoredDose | None:
        """Return the dose that doubles a draft, if it came or changed after staff had ``seen`` the doses.

        A double that they could see is their error, not a conflict: None.
        """
        double = double_of(findings)
        if double is None or double.dose_id is None:
            return None
        as_before = seen_doses(self.session, resident_id, until=seen.newest) == seen
        if double.dose_id <= seen.newest and as_before:
            return None
        return dose_of(self.session, resident_id, double.dose_id)

    def _place(self, draft: DoseDraft) -> Place | None:
        return place_of(self.session, draft.institution_code, draft.institution_name, draft.given_on)

    def obstacle(
        self, resident_id: int, judged: Judged, acceptance: Acceptance, seen: SeenDoses
    ) -> Conflict | Refused | NeedsReason | None:
        """Return why a judged draft cannot be saved, None when it can."""
        if theirs := self._saved_meanwhile(resident_id, judged.findings, seen):
            return Conflict(theirs)
        if judged.findings.errors:
            return Refused(judged.findings)
        if acceptance.reason and contains_personal_number(acceptance.reason):
            return Refused(Findings((Finding(DoseError.PERSONAL_NUMBER, "alert_reason"),)))
        return NeedsReason(judged.findings) if _unaccepted(judged.findings, acceptance) else None

    def write(
        self,
        dose: Dose,
        judged: Judged,
        acceptance: Acceptance,
        *,
        new_check: bool,
        reason: str | None = None,
    ) -> bool:
        """Put a judged draft into a row and send it; False when the database holds such a dose already.

        :param new_check: the identity check is a new one: write down who checked, how and when (M01).
        :param reason: why a dose is changed; None for a new one.
        """
        alerts = [finding.code.value for finding in judged.findings.alerts]
        try:
            with self.session.begin_nested():
                if new_check:
                    dose.identity_check_id = self._check_identity(dose.resident_id, judged.draft)
                filled = columns(judged.draft, judged.vaccine, judged.place, judged.person)
                for name, value in filled.items():
                    setattr(dose, name, value)
                dose.change_reason = reason
                dose.alerts = alerts
                dose.alert_reason = acceptance.reason if alerts else None
                dose.changed_by, dose.changed_at = self.staff_id, self.now
                self.session.add(dose)
                self.session.flush()
        except IntegrityError as error:
            if _constraint_of(error) != _ACTIVE_INDEX:
                raise
            return False
        return True

    def _check_identity(self, resident_id: int, draft: DoseDraft) -> int:
        if draft.identity_method is None or draft.identity_document is None:
            raise ValueError("a dose without an identity check cannot be written")
        check = IdentityCheck(
            resident_id=resident_id,
            method=draft.identity_method,
            document=draft.identity_document,
            checked_by=self.staff_id,
            checked_at=self.now,
        )
        self.session.add(check)
        self.session.flush()
        return check.id

    def double_in_database(self, resident_id: int, judged: Judged) -> StoredDose | None:
        """Return the active dose that the unique index found, None when it is gone again."""
        found = self.session.scalar(
            select(Dose.id).where(
                Dose.resident_id == resident_id,
                Dose.vaccine == judged.draft.vaccine,
                Dose.given_on == judged.draft.given_on,
                Dose.dose_number == judged.draft.dose_number,
                Dose.state == DoseState.ACTIVE,
                Dose.judgement == Judgement.GIVEN,
            )
        )
        return dose_of(self.session, resident_id, found) if found is not None else None


def double_of(findings: Findings) -> Finding | None:
    """Return the finding that names another dose as a double, None when there is none."""
    return next((one for one in findings.errors if one.code in _DOUBLES), None)


def _unaccepted(findings: Findings, acceptance: Acceptance) -> bool:
    """Tell whether there are alerts that were not shown before, or were shown and got no reason."""
    if not findings.alerts:
        return False
    return not acceptance.reason or not {one.key for one in findings.alerts} <= acceptance.keys


def _constraint_of(error: IntegrityError) -> str | None:
    """Return the name of the constraint or unique index that refused a row."""
    diagnosis = getattr(error.orig, "diag", None)
    return getattr(diagnosis, "constraint_name", None)
