"""Recording a dose: the form with what is known already, saving, and what comes next."""

from collections.abc import Mapping
from typing import Any

import deform
from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.dose import appstruct_of
from yvaxportal.models.codes import DeliveryCategory, DoseCategory, Judgement, RecordGroup
from yvaxportal.programme.catalogue import Vaccine
from yvaxportal.resources import Doses
from yvaxportal.security.permissions import Permission
from yvaxportal.services.dose_course import next_number
from yvaxportal.services.dose_desk import Conflict, NeedsReason, Refused
from yvaxportal.services.dose_draft import DoseDraft
from yvaxportal.services.dose_history import dose_by_staff, other_doses
from yvaxportal.services.record_dose import record_dose
from yvaxportal.values.text import _
from yvaxportal.views.doses.editing import DoseFormPage, answer_of
from yvaxportal.views.doses.memory import last_dose, remember, saved_by_form

MAX_ID_DIGITS = 18

#: What the next person's dose has in common with the last one entered ("same again").
SAME_AGAIN = (
    "vaccine",
    "given_on",
    "medical_institution",
    "physician",
    "lot_number",
    "dose_category",
    "delivery_category",
)
#: What another dose of the same visit has in common with the one before.
SAME_VISIT = (
    "given_on",
    "medical_institution",
    "physician",
    "dose_category",
    "delivery_category",
    "identity_method",
    "identity_document",
)


@view_defaults(
    context=Doses,
    name="new",
    permission=Permission.DOSE_RECORD,
    renderer="yvaxportal:templates/doses/form.pt",
)
class RecordDose(DoseFormPage):
    """The form of a new dose."""

    @view_config(request_method="GET")
    def ask(self) -> dict[str, Any]:
        """Show the form, filled as far as can be known, and record that the person was looked at."""
        self.request.audit.record(
            Action.RESIDENT_VIEWED, resident_id=self.resident.id, detail={"page": "dose form"}
        )
        last = self._last()
        return self.show_form(self.filled(self._start(last)), again=self._again(last))

    @view_config(request_method="POST")
    def save(self) -> dict[str, Any] | Response:
        """Save the dose, or show the form again with what stands in the way."""
        try:
            form, values = self.posted(with_reason="alert_reason" in self.request.POST)
        except deform.ValidationFailure as failure:
            return self.failed(failure.field)
        draft, seen, acceptance = answer_of(values)
        draft = self._own_municipality(draft)
        used = saved_by_form(self.request, values["submission"])
        if used is not None and (stored := self.stored(used)).is_active:
            draft = self.desk.judge(self.resident.id, draft).draft
            if draft.differences(stored.draft):
                return self.conflict(form, draft, stored, own_form=True)
            return self._done(used, draft, already=True)
        answer = record_dose(self.desk, self.resident.id, draft, acceptance=acceptance, seen=seen)
        match answer:
            case Refused():
                return self.refused(form, answer.findings)
            case NeedsReason():
                return self.needs_reason(answer.findings)
            case Conflict():
                return self.conflict(form, draft, answer.theirs)
        remember(self.request, values["submission"], answer.dose_id)
        return self._done(answer.dose_id, draft, already=answer.already)

    def _done(self, dose_id: int, draft: DoseDraft, *, already: bool) -> Response:
        del dose_id
        mapping = {"dose": self.words.title(draft)}
        if already:
            self.request.flash("info", _("This had been recorded already: ${dose}.", mapping=mapping))
        else:
            self.request.flash("success", _("Recorded: ${dose}.", mapping=mapping))
        return HTTPSeeOther(self.person_url)
