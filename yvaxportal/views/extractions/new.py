"""A new list: what is asked, tried out as often as wanted, saved only as it was seen."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import colander
import deform
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.extraction import new_list_schema
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.models.codes import EligibilityState
from yvaxportal.models.codes import ExtractionJobKind as Kind
from yvaxportal.request import PortalRequest
from yvaxportal.resources import Extractions, is_id
from yvaxportal.security.permissions import Permission
from yvaxportal.services.extraction.criteria import Criteria, CriteriaError, Wanted
from yvaxportal.services.extraction.deciding import NoSuchProgrammeError
from yvaxportal.services.extraction.funnel import FunnelRun, count_base, run_funnel
from yvaxportal.services.extraction.jobs import ask, job_of
from yvaxportal.services.extraction.lists import lists, schools_of, towns_of
from yvaxportal.services.extraction.places import (
    AmbiguousPlaceError,
    UnknownPlaceError,
    read_schools,
    read_towns,
)
from yvaxportal.services.extraction.saving import FiguresDifferError, StatesWantingError, save_list
from yvaxportal.services.extraction.states import systems_of
from yvaxportal.values.fiscal import fiscal_year_end
from yvaxportal.values.text import _
from yvaxportal.views.extractions.pictures import funnel_of
from yvaxportal.views.extractions.words import ListWords

Values = Mapping[str, Any]

_PROBLEMS = {
    ("due_until", "before_reference_date"): _("This day is before the reference date."),
    ("moved_in_since", "after_reference_date"): _("This day is after the reference date."),
}
SAVE_KNOWN = "save_known"
ASK_REGISTERS = _("Ask the registers first")
_NOT_IN_FORCE = _("This programme is not in force on the reference date. Choose another day or programme.")


@view_defaults(
    context=Extractions,
    name="new",
    permission=Permission.EXTRACTION_MAKE,
    renderer="yvaxportal:templates/extractions/new.pt",
)
class NewList:
    """The form, the trial run, the save."""

    def __init__(self, context: Extractions, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = ListWords(request)
        self.here = request.resource_path(context)

    @view_config(request_method="GET")
    def ask(self) -> dict[str, Any]:
        """Show the form with what is most often wanted: today, this fiscal year, every rule."""
        form = self._form(tried=False)
        today = self.request.today
        wanted = self.request.GET.get("programme", "")
        before = self._asked_before()
        form.set_appstruct(
            before
            or {
                "programme": wanted if self.request.portal.schedule.get(wanted) else colander.null,
                "reference_date": today,
                "due_until": fiscal_year_end(today),
                "national_health_insurance": Wanted.ANY.value,
                "late_elderly_insurance": Wanted.ANY.value,
                "public_assistance": Wanted.ANY.value,
                "doses": True,
                "circumstances": True,
                "no_invitation": True,
                "still_resident": True,
            },
        )
        return self._page(form)

    def _asked_before(self) -> dict[str, Any] | None:
        """Return what was asked of a worker, to be changed; None when the address names no such job."""
        written = self.request.GET.get("from", "")
        job = job_of(self.request.db, int(written)) if is_id(written) else None
        return None if job is None else typed_again(Criteria.from_json(job.criteria), job.title)

    @view_config(request_method="POST")
    def run(self) -> dict[str, Any] | Response:
        """Try the list out, or save it as it was seen."""
        form = self._form(tried=True)
        try:
            values = form.validate(self.request.POST.items())
            criteria = self._criteria(form, values)
        except deform.ValidationFailure:
            self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
            return self._page(form)
        try:
            if "refresh" in self.request.POST and systems_of(criteria):
                return self._ask_worker(Kind.REFRESH, values, criteria)
            large = self._is_large(criteria)
            if values["shown"] and any(button in self.request.POST for button in ("save", SAVE_KNOWN)):
                return self._save(form, values, criteria, large=large)
            return self._ask_worker(Kind.TRY, values, criteria) if large else self._try(form, criteria)
        except NoSuchProgrammeError:
            form.failure({"programme": _NOT_IN_FORCE})
            self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
            return self._page(form)

    def _is_large(self, criteria: Criteria) -> bool:
        """Tell whether more people come into question than a page may wait for."""
        portal = self.request.portal
        return count_base(self.request.db, portal.schedule, criteria) > portal.settings.extraction_at_once

    def _ask_worker(
        self,
        kind: Kind,
        values: Values,
        criteria: Criteria,
        *,
        shown: Sequence[int] | None = None,
        known_states: bool = False,
    ) -> Response:
        request = self.request
        job_id = ask(
            request.db,
            request.audit,
            kind,
            criteria,
            title=values["title"] or self._title(criteria),
            shown=shown,
            known_states=known_states,
            staff_id=request.identity.staff_id,
            now=request.now,
        )
        return HTTPSeeOther(f"{self.here}jobs/{job_id}/")

    def _try(self, form: PortalForm, criteria: Criteria) -> dict[str, Any]:
        request = self.request
        portal = request.portal
        run = run_funnel(
            request.db,
            portal.schedule,
            criteria,
            today=request.today,
            answers=portal.answers,
            freshness=portal.freshness,
            now=request.now,
        )
        request.audit.record(
            Action.EXTRACTION_TRIED,
            detail={"criteria": criteria.as_json(), "base": run.base, "on_list": run.left},
        )
        return self._page(form, run)

    def _save(
        self, form: PortalForm, values: Values, criteria: Criteria, *, large: bool
    ) -> dict[str, Any] | Response:
        request = self.request
        shown = [int(figure) for figure in values["shown"].split(",") if figure]
        known = SAVE_KNOWN in request.POST
        if large:
            return self._ask_worker(Kind.SAVE, values, criteria, shown=shown, known_states=known)
        try:
            saved = save_list(
                request.db,
                request.audit,
                request.portal.schedule,
                criteria,
                title=values["title"] or self._title(criteria),
                shown=shown,
                staff_id=request.identity.staff_id,
                today=request.today,
                now=request.now,
                answers=request.portal.answers,
                freshness=request.portal.freshness,
                known_states=known,
            )
        except StatesWantingError as wanting:
            request.response.status_int = HTTPStatus.CONFLICT
            return self._page(form, wanting.run)
        except FiguresDifferError as differ:
            request.response.status_int = HTTPStatus.CONFLICT
            return self._page(form, differ.run, before=shown)
        request.flash("success", _("The list was saved."))
        return HTTPSeeOther(f"{self.here}{saved.id}/")

    def _title(self, criteria: Criteria) -> str:
        return f"{self.words.programme(criteria.programme)} {self.words.day(criteria.reference_date)}"

    def _criteria(self, form: PortalForm, values: Values) -> Criteria:
        """Return the criteria that were typed; ValidationFailure, ready to be shown, when they cannot be."""
        request = self.request
        problems: dict[str, str] = {}
        towns: Sequence[str] = ()
        schools: Sequence[str] = ()
        try:
            towns = read_towns(
                values["towns"] or "",
                towns_of(request.db, request.portal.settings.address_prefixes) if values["towns"] else (),
            )
        except UnknownPlaceError as unknown:
            problems["towns"] = _no_such(unknown.name)
        except AmbiguousPlaceError as several:
            problems["towns"] = _several(several)
        try:
            schools = read_schools(
                values["schools"] or "", schools_of(request.db) if values["schools"] else ()
            )
        except UnknownPlaceError as unknown:
            problems["schools"] = _no_such(unknown.name)
        except AmbiguousPlaceError as several:
            problems["schools"] = _several(several)
        criteria = None
        try:
            criteria = Criteria(
                programme=values["programme"],
                reference_date=values["reference_date"],
                due_until=values["due_until"],
                extended=values["extended"],
                towns=tuple(towns),
                schools=tuple(schools),
                national_health_insurance=Wanted(values["national_health_insurance"]),
                late_elderly_insurance=Wanted(values["late_elderly_insurance"]),
                taxation=tuple(EligibilityState(state) for state in sorted(values["taxation"])),
                public_assistance=Wanted(values["public_assistance"]),
                doses=values["doses"],
                circumstances=values["circumstances"],
                no_invitation=values["no_invitation"],
                moved_in_since=values["moved_in_since"],
                still_resident=values["still_resident"],
                not_on=int(values["not_on"]) if values["not_on"] else None,
            )
        except CriteriaError as error:
            problems[error.item] = _PROBLEMS.get((error.item, error.problem), _("Check this item."))
        if problems or criteria is None:
            raise form.failure(problems)
        return criteria

    def _form(self, *, tried: bool) -> PortalForm:
        request = self.request
        programmes = [
            (code, one.name_ja if self.words.japanese else one.name_en)
            for code, one in request.portal.schedule.programmes.items()
        ]
        earlier = [(str(row.id), f"{row.id}: {row.title}") for row in lists(request.db)]
        buttons = [deform.Button("try", _("Try it out"), css_class=None)]
        if tried:
            buttons += [
                deform.Button("save", _("Save the list as shown"), css_class="btn-primary"),
                deform.Button("refresh", ASK_REGISTERS, css_class="btn-primary"),
                deform.Button(
                    SAVE_KNOWN, _("Save with the states that are known"), css_class="btn-secondary"
                ),
            ]
            buttons[0].css_class = "btn-secondary"
        cancel = deform.Button("cancel", _("Cancel"), type="link", value=self.here)
        schema = new_list_schema(programmes, earlier).bind(request=request)
        return PortalForm(schema, buttons=(*buttons, cancel), formid="list", focus="off" if tried else "on")

    def _choose_buttons(self, form: PortalForm, run: FunnelRun | None) -> None:
        """Leave the buttons that mean something: the registers are asked first where they have to be."""
        wanted = {"try", "cancel"}
        if run is not None:
            first = run.wanting and self.request.portal.freshness.insists
            wanted |= {"refresh", SAVE_KNOWN} if first else {"save"}
            if any(age.connected for age in run.states):
                wanted.add("refresh")
            for button in form.buttons:
                if button.name == "refresh" and not first:
                    button.css_class = "btn-secondary"
        form.buttons = [button for button in form.buttons if button.name in wanted]

    def _page(
        self, form: PortalForm, run: FunnelRun | None = None, *, before: Sequence[int] | None = None
    ) -> dict[str, Any]:
        self._choose_buttons(form, run)
        if run is None:
            form.buttons[0].css_class = None
            form["shown"].cstruct = ""
            return {"base": self.here, "form_html": form.render(), "run": None}
        picture, rows = funnel_of(self.words, run.base, run.steps)
        form["shown"].cstruct = ",".join(str(figure) for figure in run.figures)
        names = [row["name"] for row in rows]
        labels = [names[0], *names[1:], self.words.say(_("On the list"))]
        return {
            "base": self.here,
            "form_html": form.render(),
            "run": run,
            "figure": picture,
            "rows": rows,
            "doubtful": run.doubtful,
            "protected": run.protected,
            "states": self.words.states(run.states),
            "wanting": run.wanting,
            "criteria": self.words.criteria(run.criteria),
            "differences": None
            if before is None
            else [
                {"name": label, "before": f"{then:,}", "now": f"{now:,}", "differs": then != now}
                for label, then, now in zip(labels, before, run.figures, strict=False)
            ],
        }


def typed_again(criteria: Criteria, title: str) -> dict[str, Any]:
    """Return what the form of a new list holds for these criteria."""
    return {
        "programme": criteria.programme,
        "title": title,
        "reference_date": criteria.reference_date,
        "due_until": criteria.due_until,
        "moved_in_since": criteria.moved_in_since or colander.null,
        "towns": "、".join(criteria.towns) or colander.null,
        "schools": "、".join(criteria.schools) or colander.null,
        "national_health_insurance": criteria.national_health_insurance.value,
        "late_elderly_insurance": criteria.late_elderly_insurance.value,
        "public_assistance": criteria.public_assistance.value,
        "taxation": {state.value for state in criteria.taxation},
        "not_on": str(criteria.not_on) if criteria.not_on is not None else colander.null,
        "doses": criteria.doses,
        "circumstances": criteria.circumstances,
        "no_invitation": criteria.no_invitation,
        "extended": criteria.extended,
        "still_resident": criteria.still_resident,
    }


def _no_such(name: str) -> str:
    text: str = _("There is no “${name}”. Write it as the register does.", mapping={"name": name})
    return text


def _several(several: AmbiguousPlaceError) -> str:
    text: str = _(
        "“${name}” can be several: ${some}. Write more of the name.",
        mapping={"name": several.name, "some": "、".join(several.some)},
    )
    return text
