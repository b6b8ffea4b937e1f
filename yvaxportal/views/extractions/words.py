"""Words for lists of targets: programmes, criteria, and why somebody is not on one."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from yvaxportal.forms.connection_labels import SYSTEMS
from yvaxportal.forms.extraction_labels import RULES, WANTED
from yvaxportal.models.codes import EligibilityState, ResidentCategory
from yvaxportal.request import PortalRequest
from yvaxportal.security.permissions import Permission
from yvaxportal.services.extraction.criteria import Criteria, Wanted
from yvaxportal.services.extraction.rules import Rule
from yvaxportal.services.extraction.states import StatesAge
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.values.wareki import parse_date
from yvaxportal.views.wording import Wording

#: Who may read what a rule looked at; of the other rules whoever may see lists.
FACTS_NEED = {
    Rule.AREA: Permission.CONTACT_VIEW,
    Rule.SCHOOL: Permission.CONTACT_VIEW,
    Rule.NATIONAL_HEALTH_INSURANCE: Permission.ELIGIBILITY_VIEW,
    Rule.LATE_ELDERLY_INSURANCE: Permission.ELIGIBILITY_VIEW,
    Rule.TAXATION: Permission.ELIGIBILITY_VIEW,
    Rule.PUBLIC_ASSISTANCE: Permission.ELIGIBILITY_VIEW,
    Rule.DONE: Permission.DOSE_VIEW,
    Rule.NOT_YET_DUE: Permission.DOSE_VIEW,
    Rule.CIRCUMSTANCES: Permission.CIRCUMSTANCE_VIEW,
    Rule.NO_INVITATION: Permission.CIRCUMSTANCE_VIEW,
}


class ListWords(Wording):
    """Words for one request about lists."""

    def __init__(self, request: PortalRequest) -> None:
        super().__init__(request)
        self._schedule = request.portal.schedule
        self._own: Collection[str] = request.own_permissions

    def programme(self, code: str) -> str:
        """Return a programme's name; a code that the schedule does not know stands for itself."""
        programme = self._schedule.get(code)
        if programme is None:
            return code
        return programme.name_ja if self.japanese else programme.name_en

    def rule(self, rule: Rule) -> str:
        """Return what a rule is called."""
        return self.say(RULES[rule])

    def facts(self, rule: Rule, detail: Mapping[str, Any]) -> str:
        """Return what a rule looked at in words, or that this reader may not see it."""
        needed = FACTS_NEED.get(rule)
        if needed is not None and needed not in self._own:
            return self.say(_("Not shown to your groups"))
        saying = {
            Rule.AREA: self._area,
            Rule.SCHOOL: _schools,
            Rule.NATIONAL_HEALTH_INSURANCE: self._state,
            Rule.LATE_ELDERLY_INSURANCE: self._state,
            Rule.TAXATION: self._state,
            Rule.PUBLIC_ASSISTANCE: self._state,
            Rule.NO_INVITATION: _nothing,
            Rule.MOVED_IN: self._came,
            Rule.GONE: self._went,
            Rule.EARLIER_LIST: self._list,
        }
        return saying.get(rule, self._answer)(detail)

    def _answer(self, detail: Mapping[str, Any]) -> str:
        if detail.get("unknown"):
            return self.say(_("The date of birth is not known."))
        if detail.get("given_since"):
            day = self.written_day(detail["given_since"])
            return self.say(_("Given after the reference date, on ${day}.", mapping={"day": day}))
        return self.reasons(detail)

    def _area(self, detail: Mapping[str, Any]) -> str:
        return self.say(_("Code of the town: ${code}", mapping={"code": detail.get("town") or "－"}))

    def _state(self, detail: Mapping[str, Any]) -> str:
        state = detail.get("state")
        return self.code(EligibilityState(state)) if state else self.say(_("Nothing was received."))

    def _came(self, detail: Mapping[str, Any]) -> str:
        return f"{detail.get('reason') or ''} {self.written_day(detail.get('became_on'))}".strip()

    def _went(self, detail: Mapping[str, Any]) -> str:
        category = self.code(ResidentCategory(detail["category"]))
        return f"{category} {self.written_day(detail.get('ceased_on'))}".strip()

    def _list(self, detail: Mapping[str, Any]) -> str:
        return self.say(_("List ${number}", mapping={"number": detail.get("list")}))

    def reasons(self, detail: Mapping[str, Any]) -> str:
        """Return the engine's reasons that were kept, in the reader's language."""
        language = "ja" if self.japanese else "en"
        return self.joint.join(reason[language] for reason in detail.get("reasons", ()))

    def written_day(self, written: str | None) -> str:
        """Return a day that was kept as ISO text."""
        found = parse_date(written) if written else None
        return self.day(found.exact) if found else ""

    def criteria(self, criteria: Criteria) -> list[dict[str, Any]]:
        """Return what was asked, for the ``facts`` macro."""
        entries = [
            (_("Programme"), self.programme(criteria.programme)),
            (_("Reference date"), self.day(criteria.reference_date)),
            (_("Due by"), self.day(criteria.due_until)),
        ]
        if criteria.extended:
            entries.append((_("Extended time"), self.say(_("Included"))))
        if criteria.towns:
            entries.append((_("Areas"), _joined(criteria.towns)))
        if criteria.schools:
            entries.append((_("School districts"), _joined(criteria.schools)))
        for rule, wanted in (
            (Rule.NATIONAL_HEALTH_INSURANCE, criteria.national_health_insurance),
            (Rule.LATE_ELDERLY_INSURANCE, criteria.late_elderly_insurance),
            (Rule.PUBLIC_ASSISTANCE, criteria.public_assistance),
        ):
            if wanted is not Wanted.ANY:
                entries.append((RULES[rule], self.say(WANTED[wanted])))
        if criteria.taxation:
            states = [self.code(state) for state in criteria.taxation]
            entries.append((RULES[Rule.TAXATION], _joined(states)))
        if criteria.moved_in_since:
            entries.append((_("Only who moved in since"), self.day(criteria.moved_in_since)))
        if criteria.not_on is not None:
            entries.append((RULES[Rule.EARLIER_LIST], str(criteria.not_on)))
        left_out = [rule for rule in _SWITCHES if rule not in criteria.rules]
        if left_out:
            entries.append((_("Not asked"), _joined([self.rule(rule) for rule in left_out])))
        return [{"label": self.say(label), "value": value} for label, value in entries]

    def states(self, ages: Sequence[StatesAge]) -> list[dict[str, Any]]:
        """Return how old the states were that a list went by: a line for each register, for the pages."""
        return [
            {
                "label": self.say(
                    _("States from: ${system}", mapping={"system": self.say(SYSTEMS[age.system])})
                ),
                "value": self._age(age),
                "wanting": age.wanting,
            }
            for age in ages
        ]

    def _age(self, age: StatesAge) -> str:
        if not age.connected:
            return self.say(_("No register is connected: what staff entered counts."))
        told = {
            "never": f"{age.never:,}",
            "old": f"{age.old:,}",
            "people": f"{age.people:,}",
            "days": str(age.days),
        }
        counts = self.say(
            _(
                "of ${people} people, never asked about: ${never}, older than ${days} days: ${old}",
                mapping=told,
            )
        )
        if age.oldest is None:
            return self.say(_("Nothing was received")) + self.joint + counts
        oldest = self.say(_("oldest answer ${when}", mapping={"when": format_jst(age.oldest)}))
        return oldest + self.joint + counts

    @property
    def joint(self) -> str:
        """Return what stands between two statements."""
        return "。" if self.japanese else "; "


_SWITCHES = (Rule.DONE, Rule.NOT_YET_DUE, Rule.CIRCUMSTANCES, Rule.NO_INVITATION, Rule.GONE)


def _schools(detail: Mapping[str, Any]) -> str:
    return " / ".join(school for school in detail.get("schools", ()) if school)


def _nothing(_detail: Mapping[str, Any]) -> str:
    return ""


def _joined(words: Sequence[str]) -> str:
    return "、".join(words)
