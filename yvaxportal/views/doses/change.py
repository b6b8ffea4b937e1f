"""Correcting and cancelling a dose, with a reason; and taking one's own last entry back."""

from typing import Any, ClassVar

import deform
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.forms.dose import CancelDoseSchema, CorrectDoseSchema, DoseSchema, appstruct_of
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.request import PortalRequest
from yvaxportal.resources import DoseNode
from yvaxportal.security.permissions import Permission
from yvaxportal.services.correct_dose import cancel_dose, correct_dose, may_undo
from yvaxportal.services.dose_desk import Conflict, Refused, Saved
from yvaxportal.values.text import _
from yvaxportal.views.doses.editing import DoseFormPage, answer_of
from yvaxportal.views.doses.page import OneDosePage

UNDONE = _("Entry mistake, taken back at once")


@view_defaults(
    context=DoseNode,
    name="correct",
    permission=Permission.DOSE_CORRECT,
    renderer="yvaxportal:templates/doses/form.pt",
)
class CorrectDose(DoseFormPage):
    """The form of a dose that is corrected."""

    schema: ClassVar[type[DoseSchema]] = CorrectDoseSchema
    button = _("Correct")
    title = _("Correct a dose")

    def __init__(self, context: DoseNode, request: PortalRequest) -> None:
        super().__init__(context, request)
        self.dose = self.stored(context.dose_id)
        self.without = self.dose.id

    def back(self) -> str:
        """Return the address of the dose."""
        return self.dose_url(self.dose.id)

    @view_config(request_method="GET")
    def ask(self) -> dict[str, Any] | Response:
        """Show the form with the dose as it stands, and record that it was seen."""
        if not self.dose.is_active:
            return HTTPSeeOther(self.back())
        self.audit_view(self.dose.id, "correct")
        return self.show_form(self.filled({"revision": self.dose.revision, **appstruct_of(self.dose.draft)}))

    @view_config(request_method="POST")
    def save(self) -> dict[str, Any] | Response:
        """Save the correction, or show the form again with what stands in the way."""
        try:
            form, values = self.posted(with_reason="alert_reason" in self.request.POST)
        except deform.ValidationFailure as failure:
            return self.failed(failure.field)
        draft, seen, acceptance = answer_of(values)
        answer = correct_dose(
            self.desk,
            self.resident.id,
            self.dose.id,
            draft,
            revision=values["revision"],
            seen=seen,
            reason=values["reason"],
            acceptance=acceptance,
        )
        if not isinstance(answer, Saved):
            return self.obstacle(form, draft, answer)
        mapping = {"dose": self.words.title(draft)}
        self.request.flash("success", _("Corrected: ${dose}.", mapping=mapping))
        return HTTPSeeOther(self.back())


@view_defaults(
    context=DoseNode,
    name="cancel",
    permission=Permission.DOSE_CANCEL,
    renderer="yvaxportal:templates/doses/cancel.pt",
)
class CancelDose(OneDosePage):
    """The form that asks why a dose is cancelled."""

    def form(self) -> PortalForm:
        """Return the form, not yet filled."""
        schema = CancelDoseSchema().bind(request=self.request)
        leave = deform.Button("leave", _("Leave it"), type="link", value=self.dose_url(self.dose.id))
        cancel = deform.Button("save", _("Cancel the dose"), css_class="btn-danger")
        return PortalForm(schema, buttons=(cancel, leave), formid="cancel")

    @view_config(request_method="GET")
    def ask(self) -> dict[str, Any] | Response:
        """Show which dose it is and ask for the reason; record that it was seen."""
        if not self.dose.is_active:
            return HTTPSeeOther(self.dose_url(self.dose.id))
        self.audit_view(self.dose.id, "cancel")
        form = self.form()
        form.set_appstruct({"revision": self.dose.revision})
        return self._page(form)

    @view_config(request_method="POST")
    def save(self) -> dict[str, Any] | Response:
        """Cancel the dose; or show what changed since the form was opened."""
        form = self.form()
        try:
            values: dict[str, Any] = form.validate(self.request.POST.items())
        except deform.ValidationFailure:
            self.request.response.status_int = 422
            return self._page(form)
        answer = cancel_dose(
            self.desk,
            self.resident.id,
            self.dose.id,
            revision=values["revision"],
            reason=values["reason"],
        )
        if isinstance(answer, Conflict):
            self.audit_view(self.dose.id, "conflict", rolled_back=True)
            form["revision"].cstruct = str(answer.theirs.revision)
            self.request.response.status_int = 409
            return self._page(form, conflict=self.words.revisions([answer.theirs])[0])
        if isinstance(answer, Refused):
            said = self.words.problem(answer.findings.errors[0])
            form.failure({"reason": f"{said['cause']} {said['remedy']}"})
            self.request.response.status_int = 422
            return self._page(form)
        mapping = {"dose": self.words.title(self.dose.draft)}
        self.request.flash("success", _("Cancelled: ${dose}.", mapping=mapping))
        return HTTPSeeOther(self.person_url)

    def _page(self, form: PortalForm, **values: Any) -> dict[str, Any]:
        return self.page(
            _("Cancel a dose"),
            **{
                "dose_title": self.words.title(self.dose.draft),
                "entries": self.words.facts(self.dose),
                "form_html": form.render(),
                "conflict": None,
                **values,
            },
        )


class UndoDose(OneDosePage):
    """Taking one's own entry back within a few minutes, at one key, without the question for a reason."""

    @view_config(context=DoseNode, name="undo", request_method="POST", permission=Permission.DOSE_CANCEL)
    def undo(self) -> Response:
        """Cancel the dose if it is still one's own and untouched; else lead to the form that cancels."""
        if not may_undo(self.desk, self.dose):
            text = _("It can no longer be taken back at once. Cancel it with a reason.")
            self.request.flash("info", text)
            return HTTPSeeOther(self.dose_url(self.dose.id, "cancel"))
        answer = cancel_dose(
            self.desk,
            self.resident.id,
            self.dose.id,
            revision=self.dose.revision,
            reason=self.words.say(UNDONE),
        )
        if isinstance(answer, Conflict | Refused):
            self.request.flash("warning", _("Somebody changed the dose meanwhile. It was not taken back."))
            return HTTPSeeOther(self.dose_url(self.dose.id))
        mapping = {"dose": self.words.title(self.dose.draft)}
        self.request.flash("success", _("Taken back: ${dose}.", mapping=mapping))
        return HTTPSeeOther(self.person_url)
