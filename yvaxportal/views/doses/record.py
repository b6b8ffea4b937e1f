"""Recording a dose: the form with what is known already, saving, and what comes next."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import deform
from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.dose import appstruct_of
from yvaxportal.models.codes import DeliveryCategory, DoseCategory, Judgement, RecordGroup
from yvaxportal.resources import Doses
from yvaxportal.security.permissions import Permission
from yvaxportal.services.dose_course import next_number
from yvaxportal.services.dose_desk import Saved
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
            if self.desk.settled(draft).differences(stored.draft):
                return self.conflict(form, draft, stored, own_form=True)
            return self._done(draft, already=True)
        answer = record_dose(self.desk, self.resident.id, draft, acceptance=acceptance, seen=seen)
        if not isinstance(answer, Saved):
            return self.obstacle(form, draft, answer)
        remember(self.request, values["submission"], answer.dose_id)
        return self._done(draft, already=answer.already)

    def _done(self, draft: DoseDraft, *, already: bool) -> Response:
        # What was recorded now, the person's page says itself (views.doses.after).
        if already:
            mapping = {"dose": self.words.title(draft)}
            self.request.flash("info", _("This had been recorded already: ${dose}.", mapping=mapping))
        return HTTPSeeOther(self.person_url)

    def _start(self, last: DoseDraft | None) -> Mapping[str, Any]:
        """Return what the form starts from: the last entry, the same visit, or an ordinary day."""
        asked = self.request.GET
        values: dict[str, Any] = {
            "given_on": self.request.today,
            "judgement": Judgement.GIVEN.value,
            "dose_category": DoseCategory.ROUTINE.value,
            "delivery_category": DeliveryCategory.INDIVIDUAL.value,
        }
        if "next" in asked:
            before = appstruct_of(self.stored(_id(asked["next"])).draft)
            values |= {item: before[item] for item in SAME_VISIT}
        elif "again" in asked and last is not None:
            before = appstruct_of(last)
            values |= {item: before[item] for item in SAME_AGAIN}
        vaccine = self.desk.catalogue.get(asked.get("vaccine", values.get("vaccine", "")))
        if vaccine is not None:
            others = other_doses(self.request.db, self.resident.id)
            number = next_number(vaccine, values["given_on"], others, self.desk.catalogue)
            values |= {"vaccine": vaccine.code, "dose_number": number}
        return values

    def _last(self) -> DoseDraft | None:
        dose_id = last_dose(self.request)
        return dose_by_staff(self.request.db, dose_id, self.desk.staff_id) if dose_id is not None else None

    def _again(self, last: DoseDraft | None) -> dict[str, str] | None:
        if last is None or "again" in self.request.GET:
            return None
        words = (self.words.vaccine(last.vaccine), self.words.day(last.given_on), last.lot_number)
        url = self.request.resource_path(self.context, "new", query={"again": "1"})
        return {"url": url, "title": " / ".join(word for word in words if word)}

    def _own_municipality(self, draft: DoseDraft) -> DoseDraft:
        """Fill in the municipality of a COVID-19 record (covid19 3): ours, unless another is said."""
        vaccine = self.desk.catalogue.get(draft.vaccine)
        is_covid = vaccine is not None and vaccine.record_group == RecordGroup.COVID19
        if not is_covid or draft.municipality_code is not None:
            return draft
        return replace(draft, municipality_code=self.request.portal.settings.municipality_code)


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_ID_DIGITS):
        raise HTTPNotFound
    return int(text)
