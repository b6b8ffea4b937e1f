"""The register of files that leave, and asking for one."""

from typing import Any

import deform
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.forms.outputs import request_schema
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.models.codes import OutputState
from yvaxportal.outputs.gate import OutputRefusedError, request_output
from yvaxportal.outputs.register import Listed, awaiting, offered_extractions, outputs_of
from yvaxportal.request import PortalRequest
from yvaxportal.resources import Outputs
from yvaxportal.security.permissions import Permission
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.wording import Wording

PAGE = 50
KINDS = {
    OutputState.QUEUED: "info",
    OutputState.MAKING: "info",
    OutputState.AWAITING_APPROVAL: "soon",
    OutputState.READY: "ok",
    OutputState.REFUSED: "overdue",
    OutputState.FAILED: "overdue",
    OutputState.CANCELLED: "neutral",
    OutputState.WIPED: "neutral",
}
RULES = {
    "title": _("Enter a title without a personal number."),
    "purpose": _("Enter the purpose, without a personal number."),
    "reason": _("Enter the reason, without a personal number."),
    "gone": _("This is not possible any more: the file was decided on, wiped, or has expired."),
    "own": _("Nobody decides on their own file. Somebody else with the right to approve does."),
    "other": _("Only whoever asked for the file may do this."),
    "stale": _("The file is not the one that was shown. Look at it again before you approve."),
    "often": _("The file was taken as often as the settings allow. Ask for it anew."),
    "shown": _("The password was shown already and is not kept. If it was lost, wipe the file and ask anew."),
    "sealed": _("The password does not open any more: the keys were changed. Ask for the file anew."),
    "medium": _("This medium is not approved and lent to you, or was returned. Choose another one."),
    "changed": _(
        "The file on the disk is not the one that was made. Nothing was handed over. Tell the administrator."
    ),
}


@view_defaults(context=Outputs)
class Register:
    """The register: one's own files, everybody's for those who may see them, what waits for a decision."""

    def __init__(self, context: Outputs, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = Wording(request)

    @view_config(
        request_method="GET",
        permission=Permission.OUTPUT_VIEW,
        renderer="yvaxportal:templates/outputs/register.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show the register, a page at a time."""
        request = self.request
        staff_id = request.identity.staff_id
        everybody = Permission.OUTPUT_VIEW in request.own_permissions
        before = request.GET.get("before", "")
        found = outputs_of(
            request.db,
            None if everybody else staff_id,
            before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,  # noqa: PLR2004 - fits a bigint
            limit=PAGE + 1,
        )
        waiting = []
        if Permission.OUTPUT_APPROVE in request.own_permissions:
            waiting = [self._row(row) for row in awaiting(request.db, but_not_of=staff_id, now=request.now)]
        base = request.resource_path(self.context)
        more = f"{base}?before={found[PAGE - 1].output.id}" if len(found) > PAGE else None
        return {
            "base": base,
            "rows": [self._row(row) for row in found[:PAGE]],
            "waiting": waiting,
            "everybody": everybody,
            "may_ask": Permission.OUTPUT_REQUEST in request.own_permissions,
            "previous_url": None,
            "next_url": more,
            "shown_text": "",
        }

    def _row(self, row: Listed) -> dict[str, Any]:
        output = row.output
        ends = output.wiped_at or output.expires_at
        return {
            "id": output.id,
            "url": self.request.resource_path(self.context, str(output.id), ""),
            "title": output.title,
            "purpose": output.purpose,
            "requester": row.requester,
            "asked": format_jst(output.requested_at),
            "people": "" if output.people is None else f"{output.people:,}",
            "state": self.words.code(output.state),
            "kind": KINDS[output.state],
            "ends": format_jst(ends) if ends else "",
            "wiped": output.wiped_at is not None,
        }

    def _form(self) -> PortalForm:
        lists = [
            (str(found.id), f"{found.id}: {found.title} ({self.words.day(found.reference_date)})")
            for found in offered_extractions(self.request.db)
        ]
        layouts = [
            (layout.code, layout.name_ja if self.words.japanese else layout.name_en)
            for layout in self.request.portal.layouts.values()
            if layout.source == "extraction"
        ]
        return PortalForm(
            request_schema(self.request, lists, layouts),
            buttons=(deform.Button("ask", _("Ask for the file")),),
            formid="ask-for-file",
        )

    def _page(self, form: str) -> dict[str, Any]:
        base = self.request.resource_path(self.context)
        purposes = dict.fromkeys(
            purpose for layout in self.request.portal.layouts.values() for purpose in layout.purposes_ja
        )
        return {
            "form": form,
            "purposes": list(purposes),
            "steps": [(self.words.say(_("Files that leave")), base)],
            "approval_above": f"{self.request.portal.settings.approval_above:,}",
            "keep_days": self.request.portal.settings.keep_days,
        }

    @view_config(
        name="new",
        request_method="GET",
        permission=Permission.OUTPUT_REQUEST,
        renderer="yvaxportal:templates/outputs/new.pt",
    )
    def ask(self) -> dict[str, Any]:
        """Show the form; ``?extraction=`` chooses a list beforehand."""
        chosen = self.request.GET.get("extraction", "")
        return self._page(self._form().render({"extraction": chosen} if chosen else {}))

    @view_config(
        name="new",
        request_method="POST",
        permission=Permission.OUTPUT_REQUEST,
        renderer="yvaxportal:templates/outputs/new.pt",
    )
    def send(self) -> dict[str, Any] | Response:
        """Ask for the file."""
        request, form = self.request, self._form()
        try:
            values = form.validate(request.POST.items())
            output = request_output(
                request.db,
                request.audit,
                layout=str(values["layout"]),
                title=str(values["title"]),
                purpose=str(values["purpose"]),
                subject={"extraction": int(str(values["extraction"]))},
                staff_id=request.identity.staff_id,
                now=request.now,
            )
        except deform.ValidationFailure as failure:
            request.response.status_int = 422
            return self._page(failure.render())
        except OutputRefusedError as error:
            request.response.status_int = 422
            return self._page(form.failure({error.rule: RULES[error.rule]}).render())
        return HTTPSeeOther(request.resource_path(self.context, str(output.id), ""))
