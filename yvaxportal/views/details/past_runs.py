"""Why a resident was, or was not, invited: an answer for every list that was saved."""

from typing import Any

from pyramid.view import view_config

from yvaxportal.audit.actions import Action
from yvaxportal.forms.extraction_labels import ANSWERS, OUTSIDE
from yvaxportal.resources import PastRuns
from yvaxportal.security.permissions import Permission
from yvaxportal.services.extraction.history import PAGE_SIZE, Answer, PastRun, past_runs
from yvaxportal.services.extraction.rules import Rule
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.details.frame import DetailPage
from yvaxportal.views.extractions.listing import cursor_of
from yvaxportal.views.extractions.words import ListWords

_WHERE_SOMEBODY_LIVES = frozenset({Rule.AREA, Rule.SCHOOL})


class PastRunsPage(DetailPage):
    """Every list and the answer for one resident."""

    part = "extractions"

    @view_config(
        context=PastRuns,
        request_method="GET",
        permission=Permission.EXTRACTION_VIEW,
        renderer="yvaxportal:templates/details/past_runs.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show the answers, the newest list first."""
        self.request.audit.record(
            Action.RESIDENT_VIEWED, resident_id=self.resident.id, detail={"part": "extractions"}
        )
        before = cursor_of(self.request, "before")
        runs = past_runs(self.request.db, self.resident, before=before, limit=PAGE_SIZE + 1)
        shown = runs[:PAGE_SIZE]
        words = ListWords(self.request)
        return self.page(
            _("Lists and invitations"),
            runs=[self._line(words, run) for run in shown],
            previous_url=self.url if before else None,
            next_url=f"{self.url}?before={shown[-1].extraction_id}" if len(runs) > PAGE_SIZE else None,
        )

    def _line(self, words: ListWords, run: PastRun) -> dict[str, Any]:
        text, kind = ANSWERS[run.answer]
        lists = self.request.root["extractions"]
        return {
            "url": self.request.resource_path(lists, str(run.extraction_id), ""),
            "title": run.title,
            "programme": words.programme(run.programme),
            "day": words.day(run.reference_date),
            "saved": format_jst(run.saved_at),
            "withdrawn": run.withdrawn,
            "answer": words.say(text),
            "kind": kind,
            "why": self._why(words, run),
            "facts": self._facts(words, run),
        }

    def _why(self, words: ListWords, run: PastRun) -> str:
        if run.answer is Answer.OUTSIDE and run.outside is not None:
            return words.say(OUTSIDE[run.outside])
        if run.answer in {Answer.ADDED, Answer.REMOVED}:
            when = format_jst(run.by_hand_at) if run.by_hand_at else ""
            return f"{when} {run.by_hand_by or ''}: {run.by_hand_reason or ''}"
        if run.answer is Answer.EXCLUDED and run.rule is not None:
            return words.say(_("By the rule: ${rule}", mapping={"rule": words.rule(run.rule)}))
        if run.detail.get("doubtful"):
            return words.say(_("Every rule let the person pass; the records are to be checked."))
        return words.say(_("Every rule let the person pass."))

    def _facts(self, words: ListWords, run: PastRun) -> str:
        if run.rule is not None:
            # Of somebody protected by now it is not told where they lived then, either.
            if run.rule in _WHERE_SOMEBODY_LIVES and not self._sees_contact():
                return words.say(_("Not shown to your groups"))
            return words.facts(run.rule, run.detail)
        before = run.detail.get("excluded_by")
        if before:
            return words.say(_("Before: ${rule}", mapping={"rule": words.rule(Rule(before))}))
        if run.answer is Answer.ON_LIST and run.detail.get("reasons"):
            return words.facts(Rule.NOT_YET_DUE, run.detail)
        return ""

    def _sees_contact(self) -> bool:
        contact = self.node["contact"]
        return bool(self.request.has_permission(Permission.CONTACT_VIEW, contact))
