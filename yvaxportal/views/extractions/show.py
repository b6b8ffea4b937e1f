"""One saved list: its funnel, its figures, and what can be done with it."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import deform
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.forms.base import PortalSchema
from yvaxportal.forms.extraction import AddPersonSchema, ListFileSchema, WithdrawSchema
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.models.codes import ExtractionState
from yvaxportal.outputs.gate import request_output
from yvaxportal.request import PortalRequest
from yvaxportal.resources import ExtractionNode
from yvaxportal.security.permissions import Permission
from yvaxportal.services.detail_changes import ChangedMeanwhileError
from yvaxportal.services.extraction.changing import (
    StandsAlreadyError,
    WithdrawnError,
    add_person,
    withdraw_list,
)
from yvaxportal.services.extraction.figures import figures_of
from yvaxportal.services.extraction.lists import ListRow, counts_of, list_of, lists_of, towns_of
from yvaxportal.services.residents import find_by_atena_number
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.extractions.pictures import ages_of, areas_of, coverage_of, funnel_of
from yvaxportal.views.extractions.words import ListWords

LAYOUT = "target_list"
NO_SUCH_PERSON = _("Nobody has this number.")
CHANGED = _("Somebody else changed the list meanwhile. Look at it as it is now, and send yours again.")
WITHDRAWN = _("The list was withdrawn: nothing is changed on it any more.")

Deed = Callable[[dict[str, Any]], None]


@view_defaults(context=ExtractionNode, renderer="yvaxportal:templates/extractions/show.pt")
class ListPage:
    """The page of one list."""

    def __init__(self, context: ExtractionNode, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = ListWords(request)
        self.here = request.resource_path(context)

    def may(self, permission: Permission) -> bool:
        """Tell whether the reader holds a permission on this list."""
        return bool(self.request.has_permission(permission, self.context))

    @view_config(request_method="GET", permission=Permission.EXTRACTION_VIEW)
    def show(self) -> dict[str, Any]:
        """Show the list: figures, nobody's name."""
        return self._page()

    @view_config(name="add", request_method="POST", permission=Permission.EXTRACTION_MAKE)
    def add(self) -> dict[str, Any] | Response:
        """Put somebody on the list by hand."""

        def deed(values: dict[str, Any]) -> None:
            person = find_by_atena_number(self.request.db, values["number"])
            if person is None:
                raise LookupError
            add_person(
                self.request.db,
                self.request.audit,
                self.context.row.id,
                person.id,
                reason=values["reason"],
                revision=values["revision"],
                staff_id=self.request.identity.staff_id,
                now=self.request.now,
            )

        return self._save("add", deed, _("The person was put on the list."))

    @view_config(name="withdraw", request_method="POST", permission=Permission.EXTRACTION_MAKE)
    def withdraw(self) -> dict[str, Any] | Response:
        """Withdraw the list."""

        def deed(values: dict[str, Any]) -> None:
            withdraw_list(
                self.request.db,
                self.request.audit,
                self.context.row.id,
                reason=values["reason"],
                revision=values["revision"],
                staff_id=self.request.identity.staff_id,
                now=self.request.now,
            )

        return self._save("withdraw", deed, _("The list was withdrawn."))

    @view_config(name="file", request_method="POST", permission=Permission.OUTPUT_REQUEST)
    def file(self) -> dict[str, Any] | Response:
        """Ask the gate for the list as a file."""

        def deed(values: dict[str, Any]) -> None:
            request_output(
                self.request.db,
                self.request.audit,
                layout=LAYOUT,
                title=self.context.row.title,
                purpose=values["purpose"],
                subject={"extraction": self.context.row.id},
                staff_id=self.request.identity.staff_id,
                now=self.request.now,
            )

        return self._save("file", deed, _("The file was asked for. It appears among the files."))

    def _save(self, act: str, deed: Deed, done: str) -> dict[str, Any] | Response:
        form = self._form(act)
        try:
            deed(form.validate(self.request.POST.items()))
        except deform.ValidationFailure:
            return self._refused(act, form)
        except LookupError:
            form.failure({"number": NO_SUCH_PERSON})
            return self._refused(act, form)
        except StandsAlreadyError:
            form.failure({"number": _("This person is on the list already.")})
            return self._refused(act, form)
        except WithdrawnError:
            self.request.flash("warning", WITHDRAWN)
            return HTTPSeeOther(self.here)
        except ChangedMeanwhileError as newer:
            form["revision"].cstruct = str(newer.revision)
            return self._refused(act, form, HTTPStatus.CONFLICT, notice=CHANGED)
        self.request.flash("success", done)
        return HTTPSeeOther(self.here)

    def _refused(
        self,
        act: str,
        form: PortalForm,
        status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
        *,
        notice: str | None = None,
    ) -> dict[str, Any]:
        self.request.response.status_int = status
        return self._page(act, form, notice=notice)

    def _form(self, act: str) -> PortalForm:
        schema, button, css = _FORMS[act]
        return PortalForm(
            schema().bind(request=self.request),
            action=f"{self.here}{act}",
            buttons=(deform.Button("send", button, css_class=css),),
            formid=act,
            focus="off",
        )

    def _forms(self, row: ListRow, act: str, posted: PortalForm | None) -> dict[str, str]:
        wanted = []
        stands = row.state is ExtractionState.SAVED
        if stands and self.may(Permission.EXTRACTION_MAKE):
            wanted += ["add", "withdraw"]
        if stands and self.may(Permission.OUTPUT_REQUEST):
            wanted.append("file")
        forms = {}
        for name in wanted:
            form = self._form(name)
            if name != "file":
                form.set_appstruct({"revision": row.revision})
            forms[name] = posted.render() if posted is not None and name == act else form.render()
        return forms

    def _page(
        self, act: str = "", posted: PortalForm | None = None, *, notice: str | None = None
    ) -> dict[str, Any]:
        request, words = self.request, self.words
        row = list_of(request.db, self.context.row.id) or self.context.row
        programme = request.portal.schedule.get(row.programme)
        figures = figures_of(
            request.db,
            row.id,
            reference_date=row.reference_date,
            vaccines=programme.vaccines if programme else (),
            today=request.today,
        )
        towns = towns_of(request.db, request.portal.settings.address_prefixes)
        picture, rows = funnel_of(words, row.base, row.steps)
        ages, age_rows = ages_of(words, figures)
        areas, area_rows = areas_of(words, figures, {town.code: town.name for town in towns})
        months, month_rows = coverage_of(words, figures)
        stands = row.state is ExtractionState.SAVED
        return {
            "base": self.here,
            "all_lists": request.resource_path(self.context.__parent__),
            "row": row,
            "notice": words.say(notice) if notice else None,
            "withdrawn": None if stands else self._withdrawn(row),
            "counts": counts_of(request.db, row.id),
            "figure": picture,
            "rows": rows,
            "ages": ages,
            "age_rows": age_rows,
            "areas": areas,
            "area_rows": area_rows,
            "months": months,
            "month_rows": month_rows,
            "covered": f"{figures.covered:,} / {figures.members:,}",
            "criteria": [*words.criteria(row.criteria), *words.states(row.states), *self._made(row)],
            "may_see_people": Permission.RESIDENT_VIEW in request.own_permissions,
            "letters_url": self._letters_url(stands=stands),
            "others": [
                (other.id, f"{other.id}: {other.title}")
                for other in lists_of(request.db, row.programme)
                if other.id != row.id
            ],
            "forms": self._forms(row, act, posted),
            "posted": act if posted is not None else "",
        }

    def _letters_url(self, *, stands: bool) -> str | None:
        if not stands or not self.may(Permission.LETTER_MAKE):
            return None
        return str(
            self.request.resource_path(
                self.request.root, "letters", "new", query={"extraction": self.context.row.id}
            )
        )

    def _withdrawn(self, row: ListRow) -> dict[str, str]:
        return {
            "when": format_jst(row.withdrawn_at) if row.withdrawn_at else "",
            "who": row.withdrawn_by or "",
            "reason": row.withdraw_reason or "",
        }

    def _made(self, row: ListRow) -> list[dict[str, str]]:
        say = self.words.say
        return [
            {"label": say(_("Saved by")), "value": row.created_by},
            {"label": say(_("State of the data")), "value": format_jst(row.data_as_of)},
            {"label": say(_("Version of the rules")), "value": row.schedule_version},
        ]


_FORMS: dict[str, tuple[type[PortalSchema], str, str]] = {
    "add": (AddPersonSchema, _("Add this person"), "btn-secondary"),
    "withdraw": (WithdrawSchema, _("Withdraw the list"), "btn-danger"),
    "file": (ListFileSchema, _("Ask for the file"), "btn-secondary"),
}
