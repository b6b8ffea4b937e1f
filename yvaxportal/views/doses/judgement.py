"""What the rules say of a dose while it is typed, before anybody saves it."""

from datetime import date
from typing import Any

from pyramid.view import view_config

from yvaxportal.models.codes import DoseCategory, Judgement
from yvaxportal.programme.judging import Judged
from yvaxportal.resources import DoseNode, Doses
from yvaxportal.security.permissions import Permission
from yvaxportal.services.dose_checks import judged_draft
from yvaxportal.services.dose_columns import person_of
from yvaxportal.services.dose_draft import DoseDraft
from yvaxportal.services.dose_history import other_doses
from yvaxportal.values.text import _
from yvaxportal.values.wareki import parse_date
from yvaxportal.views.doses.page import DosePage

_NOTHING: dict[str, Any] = {"kind": "", "text": "", "reasons": []}
_WORDS = {
    "valid": ("ok", _("Within the rules of the programme")),
    "too_early": ("overdue", _("Too early")),
    "too_late": ("overdue", _("Too late")),
    "wrong_interval": ("overdue", _("Too soon after another dose")),
    "wrong_product": ("overdue", _("Not the vaccine for this person")),
    "surplus": ("doubtful", _("Not needed any more")),
    "not_in_programme": ("doubtful", _("Not in the programme for this person on this day")),
    "unsure": ("doubtful", _("Cannot be judged for sure")),
}


class JudgeTyped(DosePage):
    """Answers to a form of a dose. What was typed comes by POST: an address is kept in logs."""

    @view_config(
        context=Doses,
        name="judgement",
        request_method="POST",
        permission=Permission.DOSE_RECORD,
        renderer="json",
    )
    def of_new(self) -> dict[str, Any]:
        """Return kind, sentence and reasons about a new dose; empty while the form is not filled so far."""
        return self._answer(without=None)

    @view_config(
        context=DoseNode,
        name="judgement",
        request_method="POST",
        permission=Permission.DOSE_CORRECT,
        renderer="json",
    )
    def of_corrected(self) -> dict[str, Any]:
        """Return the same about a dose that is corrected, which the others are looked at without."""
        assert isinstance(self.context, DoseNode)  # noqa: S101  (narrows the type)
        return self._answer(without=self.stored(self.context.dose_id).id)

    def _answer(self, *, without: int | None) -> dict[str, Any]:
        draft = self._draft()
        if draft is None:
            return _NOTHING
        session, schedule, today = self.request.db, self.request.portal.schedule, self.request.today
        others = other_doses(session, self.resident.id, without=without)
        person = person_of(session, self.resident.id, today)
        judged = judged_draft(draft, person, others, schedule, today)
        kind, text = _WORDS[judged.verdict]
        return {"kind": kind, "text": self.words.say(text), "reasons": self._reasons(judged)}

    def _draft(self) -> DoseDraft | None:
        """Return what was typed; None unless it is a dose that was given and the law may have to do with."""
        typed = self.request.POST
        vaccine = self.desk.catalogue.get(str(typed.get("vaccine", "")))
        day, number = self._day(), str(typed.get("dose_number", ""))
        counted = {DoseCategory.ROUTINE.value, DoseCategory.TEMPORARY.value}
        category = str(typed.get("dose_category", ""))
        if vaccine is None or day is None or category not in counted:
            return None
        if not (number.isascii() and number.isdigit() and 1 <= int(number[:3]) <= vaccine.doses):
            return None
        if typed.get("judgement") != Judgement.GIVEN.value:
            return None
        return DoseDraft(
            vaccine=vaccine.code,
            given_on=day,
            dose_number=int(number[:3]),
            judgement=Judgement.GIVEN,
            dose_category=DoseCategory(category),
        )

    def _day(self) -> date | None:
        found = parse_date(str(self.request.POST.get("given_on", "")))
        return found.exact if found else None

    def _reasons(self, judged: Judged) -> list[dict[str, str]]:
        return [
            {
                "text": why.ja if self.words.japanese else why.en,
                "citation": str(why.citation) if why.citation else "",
            }
            for why in judged.reasons
        ]
