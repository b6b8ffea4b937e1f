"""One dose with every revision, and the look-up of medical institutions that its form uses."""

from typing import Any

from pyramid.view import view_config

from yvaxportal.models.codes import DoseState
from yvaxportal.request import PortalRequest
from yvaxportal.resources import DoseNode, Institutions
from yvaxportal.security.permissions import Permission
from yvaxportal.services.correct_dose import may_undo
from yvaxportal.services.dose_history import revisions_of
from yvaxportal.services.institutions import find_institutions
from yvaxportal.values.text import _
from yvaxportal.views.doses.page import OneDosePage


class ShowDose(OneDosePage):
    """The page of one dose."""

    @view_config(
        context=DoseNode,
        request_method="GET",
        permission=Permission.DOSE_VIEW,
        renderer="yvaxportal:templates/doses/dose.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show the dose and its revisions, and record that they were seen."""
        dose, words = self.dose, self.words
        self.audit_view(dose.id, "dose")
        return self.page(
            _("Dose"),
            dose_title=words.title(dose.draft),
            state=words.code(dose.state),
            state_kind="neutral" if dose.state is DoseState.CANCELLED else "ok",
            entries=words.facts(dose),
            alerts=words.alerts(dose.alerts),
            alert_reason=dose.alert_reason or "",
            revisions=words.revisions(revisions_of(self.request.db, self.resident.id, dose.id)),
            correct_url=self._link(Permission.DOSE_CORRECT, "correct"),
            cancel_url=self._link(Permission.DOSE_CANCEL, "cancel"),
            undo_url=self._link(Permission.DOSE_CANCEL, "undo") if may_undo(self.desk, dose) else None,
        )

    def _link(self, permission: Permission, name: str) -> str | None:
        return f"{self.url}{name}" if self.dose.is_active and self.may(permission) else None


@view_config(context=Institutions, request_method="GET", permission=Permission.DOSE_VIEW, renderer="json")
def look_up(context: Institutions, request: PortalRequest) -> dict[str, Any]:
    """Return up to 20 institutions for what was typed (``q``); the value is the code, else the name."""
    del context
    found = find_institutions(request.db, request.GET.get("q", ""), request.today)
    return {
        "items": [
            {
                "value": one.place.code or one.place.name,
                "label": one.place.name,
                "detail": one.address or "",
            }
            for one in found
        ]
    }
