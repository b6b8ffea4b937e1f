"""What a worker does about a list that is not saved yet: how far it is, what came of it, what can follow."""

from collections.abc import Mapping
from typing import Any

from pyramid.httpexceptions import HTTPConflict, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.forms.connection_labels import FAILURES, OTHER_FAILURE, SYSTEMS
from yvaxportal.models.codes import ExtractionJobKind as Kind
from yvaxportal.models.codes import ExtractionJobState as State
from yvaxportal.request import PortalRequest
from yvaxportal.resources import ExtractionJobNode
from yvaxportal.security.permissions import Permission
from yvaxportal.services.extraction.criteria import Criteria
from yvaxportal.services.extraction.jobs import UNDER_WAY, Figures, NotYoursError, ask, call_off
from yvaxportal.services.extraction.states import systems_of
from yvaxportal.values.text import _
from yvaxportal.views.extractions.pictures import funnel_of
from yvaxportal.views.extractions.words import ListWords

KINDS = {
    State.QUEUED: "info",
    State.RUNNING: "info",
    State.DONE: "ok",
    State.FAILED: "overdue",
    State.CANCELLED: "neutral",
}
PROBLEMS = {
    "differs": _("The figures are no longer those that you saw. Nothing was saved."),
    "states": _(
        "States are missing or old, so nothing was saved. Ask the registers, or save with those known."
    ),
    "registers": _(
        "A register did not answer everything. What came is kept. The list can be saved with the states that "
        "are known; their age is kept with it."
    ),
    "not_in_force": _(
        "This programme is not in force on the reference date. Choose another day or programme."
    ),
    "worker_lost": _("The worker stopped three times at it. Tell the administrator."),
    "internal": _(
        "Something went wrong in the system. Nothing was saved. Try again; tell the administrator."
    ),
}
PHASES = {
    "": _("Waits for the worker."),
    "choosing": _("Choosing whom to ask about"),
    "deciding": _("Deciding on each person"),
    "tax": _("Asking the tax register"),
    "welfare": _("Asking the welfare register"),
}
_NOT_YOURS = _("Somebody else asked for this. Only they can call it off.")
_OVER = _("It was over already.")


@view_defaults(context=ExtractionJobNode, permission=Permission.EXTRACTION_MAKE)
class JobPage:
    """The page of one job."""

    def __init__(self, context: ExtractionJobNode, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.job = context.job
        self.words = ListWords(request)
        self.here = request.resource_path(context)
        self.lists = request.resource_path(request.root, "extractions", "")
        self.criteria = Criteria.from_json(self.job.criteria)

    @view_config(request_method="GET", renderer="yvaxportal:templates/extractions/job.pt")
    def show(self) -> dict[str, Any] | Response:
        """Show how it stands; a saved list shows itself."""
        if self.job.state is State.DONE and self.job.extraction_id is not None:
            return HTTPSeeOther(f"{self.lists}{self.job.extraction_id}/")
        return self._page()

    @view_config(name="progress", request_method="GET", renderer="json")
    def progress(self) -> dict[str, Any]:
        """Tell a waiting page how far it is; ``over`` when the page has to be loaded anew."""
        job = self.job
        return {
            "done": job.done,
            "total": job.total,
            "text": self._progress_text(),
            "label": self.words.code(job.state),
            "over": job.state not in UNDER_WAY,
        }

    @view_config(name="cancel", request_method="POST")
    def cancel(self) -> Response:
        """Call it off."""
        request = self.request
        try:
            stopped = call_off(
                request.db,
                request.audit,
                self.job.id,
                staff_id=request.identity.staff_id,
                now=request.now,
            )
        except NotYoursError:
            request.flash("error", _NOT_YOURS)
        else:
            request.flash("success" if stopped else "info", _("Called off.") if stopped else _OVER)
        return HTTPSeeOther(self.here)

    @view_config(name="next", request_method="POST")
    def follow(self) -> Response:
        """Ask the worker for what follows: trying out again, asking the registers, saving as shown."""
        request, job = self.request, self.job
        act = request.POST.get("act", "")
        if job.state in UNDER_WAY or act not in self._acts():
            raise HTTPConflict
        kind = _ACTS[act]
        figures = self._figures()
        job_id = ask(
            request.db,
            request.audit,
            kind,
            self.criteria,
            title=job.title,
            shown=figures.compared if kind is Kind.SAVE and figures is not None else None,
            known_states=act == "save_known",
            staff_id=request.identity.staff_id,
            now=request.now,
        )
        return HTTPSeeOther(f"{request.resource_path(self.context.__parent__)}{job_id}/")

    def _acts(self) -> list[str]:
        """Return what can follow, the most likely first."""
        figures = self._figures()
        asks = bool(self._connected())
        if figures is None:
            return ["try", "refresh"] if asks else ["try"]
        insists = figures.wanting and self.request.portal.freshness.insists
        if insists:
            return ["refresh", "save_known", "try"]
        return ["save", "try", "refresh"] if asks else ["save", "try"]

    def _connected(self) -> list[str]:
        connected = self.request.portal.freshness.connected
        return [system for system in systems_of(self.criteria) if system in connected]

    def _figures(self) -> Figures | None:
        return Figures.from_json(self.job.outcome) if "steps" in self.job.outcome else None

    def _page(self) -> dict[str, Any]:
        job, say = self.job, self.words.say
        figures = self._figures()
        running = job.state in UNDER_WAY
        picture, rows = (
            funnel_of(self.words, figures.base, figures.steps) if figures is not None else (None, [])
        )
        own = job.requested_by == self.request.identity.staff_id
        return {
            "base": self.here,
            "steps": [(say(_("Lists of targets")), self.lists)],
            "job": job,
            "title": f"{self.words.code(job.kind)}: {job.title}",
            "state": self.words.code(job.state),
            "kind": KINDS[job.state],
            "under_way": running,
            "cancelling": job.cancel_requested and running,
            "may_cancel": own and running and not job.cancel_requested,
            "progress": self._progress_text(),
            "problem": say(PROBLEMS[job.problem]) if job.problem in PROBLEMS else "",
            "answers": self._answers(),
            "figures": figures,
            "figure": picture,
            "rows": rows,
            "states": self.words.states(figures.states) if figures is not None else [],
            "wanting": figures is not None and figures.wanting,
            "differences": self._differences(figures, [row["name"] for row in rows]),
            "criteria": self.words.criteria(self.criteria),
            "acts": []
            if running
            else [
                {"name": act, "label": say(ACTS[act]), "first": place == 0}
                for place, act in enumerate(self._acts())
            ],
            "change_url": f"{self.lists}new?from={job.id}",
        }

    def _differences(self, figures: Figures | None, names: list[str]) -> list[dict[str, Any]]:
        if figures is None or self.job.problem != "differs" or self.job.shown is None:
            return []
        labels = [*names, self.words.say(_("On the list"))]
        return [
            {"name": label, "before": f"{then:,}", "now": f"{now:,}", "differs": then != now}
            for label, then, now in zip(labels, self.job.shown, figures.compared, strict=False)
        ]

    def _progress_text(self) -> str:
        job, say = self.job, self.words.say
        phase = say(PHASES.get(job.phase, PHASES[""]))
        if not job.total:
            return phase
        mapping = {"done": f"{job.done:,}", "total": f"{job.total:,}"}
        return f"{phase}: {say(_('${done} of ${total} people', mapping=mapping))}"

    def _answers(self) -> list[dict[str, str]]:
        """Return what each register answered, in words."""
        answers: Mapping[str, Mapping[str, Any]] = self.job.outcome.get("answers", {})
        if self.job.kind is not Kind.REFRESH or self.job.state in UNDER_WAY:
            return []
        lines = [
            {"label": self.words.say(SYSTEMS[system]), "value": self._answer(said)}
            for system, said in answers.items()
        ]
        unconnected = [system for system in systems_of(self.criteria) if system not in answers]
        if self.job.state is not State.CANCELLED:
            lines += [
                {
                    "label": self.words.say(SYSTEMS[system]),
                    "value": self.words.say(_("No register is connected: what staff entered counts.")),
                }
                for system in unconnected
            ]
        return lines

    def _answer(self, said: Mapping[str, Any]) -> str:
        counts = {name: f"{said.get(name, 0):,}" for name in ("asked", "changed", "confirmed", "outdated")}
        text = _(
            "asked about ${asked} people: ${changed} changed, ${confirmed} confirmed, ${outdated} older than "
            "known",
            mapping=counts,
        )
        words = self.words.say(text)
        if "failure" not in said:
            return words
        failure = self.words.say(FAILURES.get(said["failure"], OTHER_FAILURE))
        return f"{failure}{self.words.joint}{words}"


_ACTS = {"try": Kind.TRY, "refresh": Kind.REFRESH, "save": Kind.SAVE, "save_known": Kind.SAVE}
ACTS = {
    "try": _("Try it out"),
    "refresh": _("Ask the registers first"),
    "save": _("Save the list as shown"),
    "save_known": _("Save with the states that are known"),
}
