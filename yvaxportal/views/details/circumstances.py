"""Special circumstances of a resident: shown with what follows from them, entered, taken back."""

from collections.abc import Sequence
from datetime import date
from http import HTTPStatus
from typing import Any

import deform
from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.details.circumstances import (
    CONDITIONS,
    DISEASES,
    ORGANS,
    CircumstanceSchema,
    TakeBackSchema,
    subject_of,
)
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.models.codes import CircumstanceKind
from yvaxportal.resources import CircumstanceNode, Circumstances
from yvaxportal.security.permissions import Permission
from yvaxportal.services.circumstances import (
    AlreadyEnteredError,
    CircumstanceRow,
    NewCircumstance,
    circumstances_of,
    enter,
    entries_of,
    take_back,
)
from yvaxportal.services.detail_changes import NothingToChangeError
from yvaxportal.services.long_illness import Deadline, deadlines
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.details.editing import FORM_ID
from yvaxportal.views.details.frame import DetailPage

_TWICE = _("This stands already. Nothing was entered twice.")


class _CircumstancePage(DetailPage):
    """What the pages about circumstances share."""

    part = "circumstances"

    def subject(self, kind: CircumstanceKind, subject: str) -> str:
        """Return what a circumstance is about, in words."""
        if not subject:
            return self.words.say(_("All programmes")) if kind is CircumstanceKind.LONG_ILLNESS else ""
        for names in (DISEASES, ORGANS, CONDITIONS):
            if subject in names:
                return self.words.say(names[subject])
        programme = self.request.portal.schedule.get(subject)
        if programme is None:
            return self.words.vaccine(subject)
        return programme.name_ja if self.words.japanese else programme.name_en


@view_defaults(context=Circumstances)
class CircumstancesPage(_CircumstancePage):
    """Every circumstance, and the form for one more."""

    @view_config(
        request_method="GET",
        permission=Permission.CIRCUMSTANCE_VIEW,
        renderer="yvaxportal:templates/details/circumstances.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show what was entered, and what a certificate says."""
        self._seen()
        rows = entries_of(self.request.db, self.resident.id)
        may_edit = self.may(Permission.CIRCUMSTANCE_EDIT)
        return self.page(
            _("Special circumstances"),
            add_url=f"{self.url}add" if may_edit else None,
            rows=[self._line(row, may_edit=may_edit) for row in rows],
            certificates=self._certificates(),
        )

    @view_config(
        name="add",
        request_method="GET",
        permission=Permission.CIRCUMSTANCE_EDIT,
        renderer="yvaxportal:templates/details/form.pt",
    )
    def ask(self) -> dict[str, Any]:
        """Show the form."""
        return self._form_page(self._form())

    @view_config(
        name="add",
        request_method="POST",
        permission=Permission.CIRCUMSTANCE_EDIT,
        renderer="yvaxportal:templates/details/form.pt",
    )
    def add(self) -> dict[str, Any] | Response:
        """Enter a circumstance."""
        form = self._form()
        try:
            values: dict[str, Any] = dict(form.validate(self.request.POST.items()))
            enter(
                self.request.db,
                self.request.audit,
                self.resident.id,
                NewCircumstance(
                    kind=CircumstanceKind(values["kind"]),
                    subject=subject_of(values),
                    starts_on=values["starts_on"],
                    ends_on=values["ends_on"],
                    detail=values["detail"],
                ),
                reason=values["reason"],
                staff_id=self.request.identity.staff_id,
                now=self.request.now,
            )
        except deform.ValidationFailure:
            self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
            return self._form_page(form)
        except AlreadyEnteredError:
            self.request.flash("info", _TWICE)
            return HTTPSeeOther(self.url)
        self.request.flash("success", _("Saved."))
        return HTTPSeeOther(self.url)

    def _form(self) -> PortalForm:
        say = self.words.say
        programmes = [
            (code, one.name_ja if self.words.japanese else one.name_en)
            for code, one in self.request.portal.schedule.programmes.items()
        ]
        conditions = [(code, say(text)) for code, text in CONDITIONS.items()]
        schema = CircumstanceSchema().bind(
            request=self.request, today=self.request.today, programmes=[*programmes, *conditions]
        )
        cancel = deform.Button("cancel", _("Cancel"), type="link", value=self.url)
        return PortalForm(schema, buttons=(deform.Button("save", _("Save")), cancel), formid=FORM_ID)

    def _form_page(self, form: PortalForm) -> dict[str, Any]:
        return self.page(
            _("Enter a special circumstance"),
            form_html=form.render(),
            notice=None,
            alerts=[],
            conflict=None,
        )

    def _seen(self) -> None:
        self.request.audit.record(Action.CIRCUMSTANCE_VIEWED, resident_id=self.resident.id)

    def _line(self, row: CircumstanceRow, *, may_edit: bool) -> dict[str, Any]:
        words = self.words
        stands = row.cancelled_at is None
        return {
            "kind": words.code(row.kind),
            "subject": self.subject(row.kind, row.subject),
            "first": words.day(row.starts_on),
            "last": words.day(row.ends_on),
            "detail": row.detail or "",
            "deadlines": self._deadlines(row) if stands else [],
            "recorded": format_jst(row.recorded_at),
            "by": row.recorded_by,
            "cancelled": ""
            if row.cancelled_at is None
            else f"{format_jst(row.cancelled_at)} {row.cancel_reason}",
            "css": "" if stands else "is-cancelled",
            "back_url": f"{self.url}{row.id}/take-back" if stands and may_edit else None,
        }

    def _deadlines(self, row: CircumstanceRow) -> list[str]:
        """Return until when the doses that a long illness kept from are caught up (施行令3条2項)."""
        if row.kind is not CircumstanceKind.LONG_ILLNESS or row.ends_on is None:
            return []
        found: Sequence[Deadline] = deadlines(
            self.request.portal.schedule,
            self.resident.date_of_birth,
            row.subject,
            row.ends_on,
            self.request.today,
        )
        return [self._deadline(one) for one in found]

    def _deadline(self, one: Deadline) -> str:
        over: date = one.last
        names = "、".join(self.subject(CircumstanceKind.LONG_ILLNESS, code) for code in one.programmes)
        text = _("${names}: until ${day}", mapping={"names": names, "day": self.words.day(over)})
        return self.words.say(text)

    def _certificates(self) -> list[str]:
        """Return the risk groups that follow from a certificate, entered by nobody."""
        entered = {
            (row.kind, row.subject)
            for row in entries_of(self.request.db, self.resident.id)
            if row.cancelled_at is None
        }
        found = circumstances_of(self.request.db, [self.resident.id], self.request.today)
        return [
            self.words.say(ORGANS[one.subject])
            for one in found.get(self.resident.id, ())
            if one.kind == "risk_group" and (CircumstanceKind.RISK_GROUP, one.subject) not in entered
        ]


@view_defaults(
    context=CircumstanceNode,
    name="take-back",
    permission=Permission.CIRCUMSTANCE_EDIT,
    renderer="yvaxportal:templates/details/form.pt",
)
class TakeBackPage(_CircumstancePage):
    """Taking one circumstance back."""

    @view_config(request_method="GET")
    def ask(self) -> dict[str, Any]:
        """Ask for the reason."""
        return self._page(self._form())

    @view_config(request_method="POST")
    def save(self) -> dict[str, Any] | Response:
        """Take it back."""
        form = self._form()
        self._row()
        try:
            values: dict[str, Any] = dict(form.validate(self.request.POST.items()))
            take_back(
                self.request.db,
                self.request.audit,
                self.resident.id,
                self._id(),
                reason=values["reason"],
                staff_id=self.request.identity.staff_id,
                now=self.request.now,
            )
        except deform.ValidationFailure:
            self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
            return self._page(form)
        except NothingToChangeError:
            self.request.flash("info", _("Somebody else took it back already."))
            return HTTPSeeOther(self._back())
        self.request.flash("success", _("Taken back. It counts for nothing any more and stays readable."))
        return HTTPSeeOther(self._back())

    def _row(self) -> CircumstanceRow:
        rows = entries_of(self.request.db, self.resident.id)
        row = next((row for row in rows if row.id == self._id()), None)
        if row is None:
            raise HTTPNotFound
        return row

    def _id(self) -> int:
        return int(self.context.__name__)

    def _back(self) -> str:
        return str(self.request.resource_path(self.node, "circumstances", ""))

    def _form(self) -> PortalForm:
        cancel = deform.Button("cancel", _("Cancel"), type="link", value=self._back())
        button = deform.Button("save", _("Take back"), css_class="btn-danger")
        schema = TakeBackSchema().bind(request=self.request)
        return PortalForm(schema, buttons=(button, cancel), formid=FORM_ID)

    def _page(self, form: PortalForm) -> dict[str, Any]:
        row = self._row()
        what = " ".join(
            part for part in (self.words.code(row.kind), self.subject(row.kind, row.subject)) if part
        )
        self.request.audit.record(Action.CIRCUMSTANCE_VIEWED, resident_id=self.resident.id)
        return self.page(
            _("Take back a special circumstance"),
            form_html=form.render(),
            notice=what,
            alerts=[],
            conflict=None,
        )
