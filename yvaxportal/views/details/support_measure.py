"""Starting, renewing and lifting a support measure (item 33)."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import deform
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.base import PortalSchema
from yvaxportal.forms.details.support_measure import LiftSupportMeasureSchema, SupportMeasureSchema
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.resources import Contact
from yvaxportal.security.permissions import Permission
from yvaxportal.services.detail_changes import ChangedMeanwhileError
from yvaxportal.services.residents import find_by_atena_number
from yvaxportal.services.support_measures import (
    RENEWAL_WINDOW,
    MeasureRow,
    MeasureStandsError,
    NoMeasureError,
    last_day,
    lift_measure,
    measures_of,
    next_period,
    renew_measure,
    standing_revision,
    start_measure,
)
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.details.frame import DetailPage

Deed = Callable[[Mapping[str, Any]], None]

_STARTED = _("The support measure stands. Address and contact are hidden from now on.")
_RENEWED = _("The support measure was renewed.")
_LIFTED = _("The support measure was lifted. Address and contact are shown again.")


@view_defaults(
    context=Contact,
    name="support-measure",
    permission=Permission.SUPPORT_MEASURE_EDIT,
    renderer="yvaxportal:templates/details/support_measure.pt",
)
class SupportMeasurePage(DetailPage):
    """The support measures of one resident."""

    part = "contact"

    @view_config(request_method="GET")
    def show(self) -> dict[str, Any]:
        """Show what stands and the forms for what may follow."""
        self.request.audit.record(
            Action.RESIDENT_VIEWED,
            resident_id=self.resident.id,
            detail={"part": "support-measure"},
        )
        return self._page()

    @view_config(name="start-support-measure", request_method="POST")
    def start(self) -> dict[str, Any] | Response:
        """Put the person under a measure."""

        def deed(values: Mapping[str, Any]) -> None:
            start_measure(self.request.db, self.request.audit, self.resident.id, **values)

        return self._save("start", deed, _STARTED)

    @view_config(name="renew-support-measure", request_method="POST")
    def renew(self) -> dict[str, Any] | Response:
        """Add a further period."""

        def deed(values: Mapping[str, Any]) -> None:
            renew_measure(self.request.db, self.request.audit, self.resident.id, **values)

        return self._save("renew", deed, _RENEWED)

    @view_config(name="lift-support-measure", request_method="POST")
    def lift(self) -> dict[str, Any] | Response:
        """Lift the measure."""

        def deed(values: Mapping[str, Any]) -> None:
            lift_measure(
                self.request.db,
                self.request.audit,
                self.resident.id,
                now=self.request.now,
                **values,
            )

        return self._save("lift", deed, _LIFTED)

    def _save(self, act: str, deed: Deed, done: str) -> dict[str, Any] | Response:
        form = self._forms()[act]
        try:
            deed(form.validate(self.request.POST.items()))
        except deform.ValidationFailure:
            self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
            return self._page(act, form)
        except (ChangedMeanwhileError, MeasureStandsError, NoMeasureError):
            self.request.response.status_int = HTTPStatus.CONFLICT
            form["revision"].cstruct = str(self._revision(act))
            return self._page(act, form, outdated=True)
        self.request.flash("success", done)
        return HTTPSeeOther(f"{self.url}support-measure")

    def _revision(self, act: str) -> int:
        if act == "start":
            now = find_by_atena_number(self.request.db, self.resident.atena_number)
            return now.revision if now else 0
        return standing_revision(self.request.db, self.resident.id)

    def _forms(self) -> dict[str, PortalForm]:
        return {
            "start": self._form("start", SupportMeasureSchema(), _("Start the support measure")),
            "renew": self._form("renew", SupportMeasureSchema(), _("Renew the support measure")),
            "lift": self._form(
                "lift", LiftSupportMeasureSchema(), _("Lift the support measure"), danger=True
            ),
        }

    def _form(self, act: str, schema: PortalSchema, button: str, *, danger: bool = False) -> PortalForm:
        css = "btn-danger" if danger else "btn-primary"
        return PortalForm(
            schema.bind(request=self.request),
            action=f"{self.url}{act}-support-measure",
            buttons=(deform.Button("save", button, css_class=css),),
            formid=f"{act}-measure",
            focus="off",
        )

    def _page(
        self, act: str = "", posted: PortalForm | None = None, *, outdated: bool = False
    ) -> dict[str, Any]:
        measures = measures_of(self.request.db, self.resident.id)
        now = find_by_atena_number(self.request.db, self.resident.atena_number) or self.resident
        protected = now.support_measure_flag
        forms = self._forms()
        first, last = next_period(measures, self.request.today)
        forms["start"].set_appstruct(
            {
                "revision": now.revision,
                "starts_on": self.request.today,
                "ends_on": last_day(self.request.today),
            },
        )
        standing = self._revision("renew")
        forms["renew"].set_appstruct({"revision": standing, "starts_on": first, "ends_on": last})
        forms["lift"].set_appstruct({"revision": standing})
        if posted is not None:
            forms[act] = posted
        wanted = ("renew", "lift") if protected else ("start",)
        return self.page(
            _("Support measure"),
            protected=protected,
            outdated=outdated,
            measures=[self._line(measure) for measure in measures],
            forms=[forms[name].render() for name in wanted],
            due=protected and self._renewal_is_due(measures),
        )

    def _renewal_is_due(self, measures: Sequence[MeasureRow]) -> bool:
        ends = [measure.ends_on for measure in measures if measure.lifted_at is None]
        return not ends or max(ends) - RENEWAL_WINDOW <= self.request.today

    def _line(self, measure: MeasureRow) -> dict[str, str]:
        words = self.words
        if measure.lifted_at is not None:
            kind, word = (
                "neutral",
                words.say(_("Lifted ${when}", mapping={"when": format_jst(measure.lifted_at)})),
            )
        elif measure.ends_on < self.request.today:
            kind, word = "overdue", words.say(_("Past its last day, still in force"))
        else:
            kind, word = "locked", words.say(_("In force"))
        return {
            "first": words.day(measure.starts_on),
            "last": words.day(measure.ends_on),
            "note": words.say(_("Provisional")) if measure.provisional else "",
            "kind": kind,
            "word": word,
        }
