"""The list of files of doses, and handing one in."""

from contextlib import closing
from http import HTTPStatus
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.forms.import_labels import STATES
from yvaxportal.models.imports import ImportBatch
from yvaxportal.request import PortalRequest
from yvaxportal.resources import Imports
from yvaxportal.security.permissions import Permission
from yvaxportal.services.imports.desk import LISTED, Sender, batches, hand_in
from yvaxportal.services.imports.queue import senders
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _, contains_personal_number
from yvaxportal.views.imports.words import ImportWords

_FIELDS = frozenset({"csrf_token", "layout", "file", "send"})
_DIGITS = 18


@view_defaults(context=Imports)
class ImportsView:
    """The list, and the form above it."""

    def __init__(self, context: Imports, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = ImportWords(request)

    @view_config(
        request_method="GET",
        permission=Permission.IMPORT_VIEW,
        renderer="yvaxportal:templates/imports/list.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show the newest files."""
        return self._page()

    @view_config(
        name="upload",
        request_method="POST",
        permission=Permission.IMPORT_SEND,
        renderer="yvaxportal:templates/imports/list.pt",
    )
    def upload(self) -> dict[str, Any] | Response:
        """Take a file and go to its page."""
        request = self.request
        if unknown := set(request.POST) - _FIELDS:
            raise HTTPBadRequest(f"{len(unknown)} unknown fields")
        layout, upload = request.POST.get("layout", ""), request.POST.get("file", "")
        layouts = request.portal.import_layouts
        if layout not in layouts:
            return self._again(_("Choose a layout."))
        if isinstance(upload, str | bytes) or not upload.filename:
            return self._again(_("Choose a file."))
        name = upload.filename.replace("\\", "/").rpartition("/")[2]
        if contains_personal_number(name):
            return self._again(
                _("The file's name holds twelve digits that may be a personal number. Rename the file.")
            )
        identity = request.identity
        with closing(upload.file) as file:
            batch = hand_in(
                request.db,
                request.audit,
                request.portal.bureau,
                layout=layout,
                file_name=name,
                file=file,
                sender=Sender(identity.staff_id, identity.groups),
                now=request.now,
            )
        return HTTPSeeOther(request.resource_path(self.context, str(batch.id), ""))

    def _again(self, problem: str) -> dict[str, Any]:
        self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
        return self._page(problem)

    def _page(self, problem: str = "") -> dict[str, Any]:
        request = self.request
        before = request.GET.get("before", "")
        if before and not (before.isascii() and before.isdigit() and len(before) <= _DIGITS):
            raise HTTPBadRequest
        only_of = None if self.context.sees_all else request.identity.staff_id
        found = batches(request.db, before=int(before) if before else None, only_of=only_of)
        names = senders(request.db, [batch.uploaded_by for batch in found])
        base = request.resource_path(self.context)
        shown = found[:LISTED]
        return {
            "base": base,
            "may_send": bool(request.has_permission(Permission.IMPORT_SEND, self.context)),
            "layouts": [
                (code, self.words.layout(layout, code))
                for code, layout in request.portal.import_layouts.items()
            ],
            "problem": self.words.say(problem) if problem else "",
            "batches": [self._line(batch, names) for batch in shown],
            "next_url": f"{base}?before={shown[-1].id}" if len(found) > LISTED else None,
        }

    def _line(self, batch: ImportBatch, names: dict[int, str]) -> dict[str, Any]:
        label, kind = STATES[batch.state]
        layout = self.request.portal.import_layouts.get(batch.layout)
        return {
            "id": batch.id,
            "url": self.request.resource_path(self.context, str(batch.id), ""),
            "name": batch.file_name,
            "layout": self.words.layout(layout, batch.layout),
            "state": self.words.say(label),
            "kind": kind,
            "rows": sum(batch.counts.values()) or "",
            "sender": names.get(batch.uploaded_by, ""),
            "when": format_jst(batch.uploaded_at),
        }
