"""What recording and correcting a dose have in common on the page: the form, its findings, its conflicts."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

import deform
from pyramid.httpexceptions import HTTPNotFound

from yvaxportal.forms.dose import DoseSchema, draft_of
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.services.dose_desk import Acceptance, Conflict, NeedsReason, Refused
from yvaxportal.services.dose_draft import DoseDraft
from yvaxportal.services.dose_findings import Finding, Findings
from yvaxportal.services.dose_history import SeenDoses, StoredDose, dose_of, other_doses, seen_doses
from yvaxportal.services.institutions import code_digits, place_of
from yvaxportal.values.text import _
from yvaxportal.views.doses.memory import new_submission
from yvaxportal.views.doses.page import DosePage
from yvaxportal.views.doses.vaccines import vaccine_choice
from yvaxportal.views.doses.words import FIELD_OF

FORM_ID = "dose"
GIVE_REASON = _("Give the reason, then save again.")


class DoseFormPage(DosePage):
    """Base of the pages with the form of a dose."""

    schema: ClassVar[type[DoseSchema]] = DoseSchema
    button: ClassVar[str] = _("Record")
    title: ClassVar[str] = _("Record a dose")
    without: int | None = None  # the dose that is being corrected

    def form(self, *, with_reason: bool = False, place: str = "") -> PortalForm:
        """Return the form, not yet filled."""
        others = other_doses(self.request.db, self.resident.id, without=self.without)
        schema = self.schema().bind(
            request=self.request,
            today=self.request.today,
            vaccines=vaccine_choice(self.desk.catalogue, others, self.request.today, self.words),
            lookup_url=self.request.resource_path(self.request.root, "institutions", ""),
            lookup_empty=self.words.say(_("Not on the list: write the whole name.")),
            place=place,
            with_reason=with_reason,
        )
        leave = deform.Button("leave", _("Cancel"), type="link", value=self.back())
        return PortalForm(
            schema, buttons=(deform.Button("save", self.button), leave), formid=FORM_ID, enter_next=True
        )

    def back(self) -> str:
        """Return where the reader goes instead of saving."""
        return self.person_url

    def filled(self, values: Mapping[str, Any]) -> PortalForm:
        """Return a form that starts from ``values``, and remembers what its reader could see."""
        form = self.form(place=self._place_name(values.get("medical_institution")))
        seen = seen_doses(self.request.db, self.resident.id)
        form.set_appstruct({"seen": str(seen), "submission": new_submission(), **values})
        return form

    def posted(self, *, with_reason: bool) -> tuple[PortalForm, dict[str, Any]]:
        """Return the form as it was sent and its values; raise deform.ValidationFailure."""
        typed = self.request.POST.get("medical_institution")
        form = self.form(with_reason=with_reason, place=self._place_name(typed))
        return form, form.validate(self.request.POST.items())

    def obstacle(
        self, form: PortalForm, mine: DoseDraft, answer: Refused | NeedsReason | Conflict | None
    ) -> dict[str, Any]:
        """Show the form again with what stands in the way of saving. HTTPNotFound when the dose is gone."""
        match answer:
            case Refused():
                return self.refused(form, answer.findings)
            case NeedsReason():
                return self.needs_reason(answer.findings)
            case Conflict():
                return self.conflict(form, mine, answer.theirs)
        raise HTTPNotFound

    def refused(self, form: PortalForm, findings: Findings) -> dict[str, Any]:
        """Show the form again with each error at its field (422)."""
        for found in findings.errors:
            said = self.words.problem(found)
            form.failure({_field_of(form, found): f"{said['cause']} {said['remedy']}"})
        return self.failed(form, doubles=self._doubles(findings))

    def needs_reason(self, findings: Findings) -> dict[str, Any]:
        """Show the form again below the alerts, with a field for the reason (422)."""
        form, _values = self.posted(with_reason=True)
        form["accepted"].cstruct = ".".join(found.key for found in findings.alerts)
        form.failure({"alert_reason": GIVE_REASON})
        alerts = [
            self.words.problem(found, str(form[_field_of(form, found)].oid)) for found in findings.alerts
        ]
        return self.failed(form, alerts=alerts)

    def conflict(
        self, form: PortalForm, mine: DoseDraft, theirs: StoredDose, *, own_form: bool = False
    ) -> dict[str, Any]:
        """Show what stands now beside what was typed (409); a second save is made knowing it.

        :param own_form: nobody else interfered: this very form had been saved before.
        """
        self.audit_view(theirs.id, "conflict", rolled_back=True)
        form["seen"].cstruct = str(seen_doses(self.request.db, self.resident.id))
        form["submission"].cstruct = new_submission()
        if self.without == theirs.id:
            form["revision"].cstruct = str(theirs.revision)
        self.request.response.status_int = HTTPStatus.CONFLICT
        conflict = {
            "own_form": own_form,
            "url": self.dose_url(theirs.id),
            "title": self.words.title(theirs.draft),
            "latest": self.words.revisions([theirs])[0],
            "cancelled": not theirs.is_active,
            "lines": self.words.differences(theirs.draft, self.desk.settled(mine)),
        }
        return self.show_form(form, conflict=conflict)

    def failed(self, form: PortalForm, **values: Any) -> dict[str, Any]:
        """Show a form that could not be saved (422)."""
        self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
        return self.show_form(form, **values)

    def show_form(self, form: PortalForm, **values: Any) -> dict[str, Any]:
        """Return the page of the form as it stands."""
        nothing: dict[str, Any] = {"alerts": [], "conflict": None, "doubles": [], "again": None}
        judgement_url = self.request.resource_path(self.context, "judgement")
        values = {**nothing, "judgement_url": judgement_url, **values}
        return self.page(self.title, form_html=form.render(), **values)

    def _place_name(self, typed: object) -> str:
        """Return the name of the institution whose code was typed; empty when it is no code of the list."""
        code = code_digits(typed) if isinstance(typed, str) else None
        place = place_of(self.request.db, code, None, self.request.today) if code else None
        return place.name if place else ""

    def _doubles(self, findings: Findings) -> list[dict[str, str]]:
        ids = sorted({found.dose_id for found in findings.errors if found.dose_id is not None})
        doses = [dose_of(self.request.db, self.resident.id, dose_id) for dose_id in ids]
        return [
            {"url": self.dose_url(dose.id), "title": self.words.title(dose.draft)} for dose in doses if dose
        ]


def answer_of(values: Mapping[str, Any]) -> tuple[DoseDraft, SeenDoses, Acceptance]:
    """Return what a valid form says: the draft, what its writer had seen, which alerts they accept."""
    newest, _dot, revisions = str(values["seen"]).partition(".")
    seen = SeenDoses(int(newest), int(revisions)) if newest.isdigit() and revisions.isdigit() else None
    keys = frozenset(key for key in str(values["accepted"]).split(".") if key)
    return draft_of(values), seen or SeenDoses(0, 0), Acceptance(keys, values.get("alert_reason"))


def _field_of(form: PortalForm, finding: Finding) -> str:
    name = FIELD_OF.get(finding.item, finding.item)
    return name if any(child.name == name for child in form.children) else "vaccine"
