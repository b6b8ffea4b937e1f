"""What the sender does with rows that were sent back: read the question, correct, answer (M44)."""

from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.forms.import_labels import FIELDS
from yvaxportal.request import PortalRequest
from yvaxportal.resources import ImportNode
from yvaxportal.security.permissions import Permission
from yvaxportal.services.imports.deciding import Done
from yvaxportal.services.imports.queue import PAGE, returned_page
from yvaxportal.services.imports.rows import StoredRow
from yvaxportal.values.text import _
from yvaxportal.views.imports.row import correct_row
from yvaxportal.views.imports.words import ImportWords

_MOST_DIGITS = 9


@view_defaults(context=ImportNode, name="returned", permission=Permission.IMPORT_SEND)
class ReturnedView:
    """The sender's own rows: what they wrote, what was asked, and nothing of the register."""

    def __init__(self, context: ImportNode, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = ImportWords(request)

    @view_config(request_method="GET", renderer="yvaxportal:templates/imports/returned.pt")
    def show(self) -> dict[str, Any]:
        """Show the rows that were sent back."""
        request = self.request
        rows = returned_page(request.db, self.context.batch.id, after=0)
        return {
            "base": request.resource_path(self.context),
            "list_url": request.resource_path(self.context.__parent__),
            "batch": self.context.batch,
            "rows": [self._row(row) for row in rows[:PAGE]],
            "more": len(rows) > PAGE,
        }

    @view_config(request_method="POST")
    def answer(self) -> Response:
        """Take a corrected row: it is judged anew and waits or is ready."""
        request = self.request
        number = request.POST.get("number", "")
        if not (number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS):
            raise HTTPBadRequest
        result = correct_row(request, self.context.batch.id, int(number), answer=True)
        if isinstance(result, Done):
            request.flash(
                "success", _("Thank you. Row ${number} is looked at again.", mapping={"number": number})
            )
        else:
            request.flash("info", _("This row cannot be answered any more, or the answer cannot be kept."))
        return HTTPSeeOther(request.resource_path(self.context, "returned"))

    def _row(self, row: StoredRow) -> dict[str, Any]:
        return {
            "number": row.number,
            "line": row.line,
            "revision": row.revision,
            "question": row.decision_reason or "",
            "texts": [
                (name, self.words.say(label), row.raw[name])
                for name, label in FIELDS.items()
                if name in row.raw
            ],
        }
