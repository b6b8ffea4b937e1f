"""What was merged: the list, one merge with what it moved and what followed, and taking it apart."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

import deform
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.double_labels import APART_REFUSALS, DOSE_ITEMS, FATES, MOVED, NOTES, SIDES
from yvaxportal.forms.doubles import apart_schema, dose_field
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.request import PortalRequest
from yvaxportal.resources import MergeNode, Merges
from yvaxportal.security.permissions import Permission
from yvaxportal.services.doubles.consequences import consequences_of
from yvaxportal.services.doubles.merges import PAGE, MergeRow, merges, merges_to_take_apart
from yvaxportal.services.doubles.plan import Plan, PlannedDose, Side, plan_of
from yvaxportal.services.doubles.taking_apart import ApartRefusedError, Order, take_apart
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.doubles.follows import sections
from yvaxportal.views.doubles.words import DoubleWords
from yvaxportal.views.extractions.listing import cursor_of


@view_config(
    context=Merges,
    request_method="GET",
    permission=Permission.DOUBLE_VIEW,
    renderer="yvaxportal:templates/doubles/merges.pt",
)
def show_merges(context: Merges, request: PortalRequest) -> dict[str, Any]:
    """Show a page of merges, the newest first, and record that these people were seen."""
    words, here = DoubleWords(request), request.resource_path(context)
    before = cursor_of(request, "before")
    rows = merges(request.db, before=before)
    shown = rows[:PAGE]
    split = {row.id for row in merges_to_take_apart(request.db)}
    if shown:
        request.audit.record(Action.MERGE_VIEWED, detail={"people": 2 * len(shown)})
    return {
        "base": here,
        "list_url": request.resource_path(context.__parent__),
        "rows": [_line(words, here, row, split=row.id in split) for row in shown],
        "previous_url": here if before is not None else None,
        "next_url": f"{here}?before={shown[-1].id}" if len(rows) > PAGE else None,
    }


def _line(words: DoubleWords, here: str, row: MergeRow, *, split: bool) -> dict[str, Any]:
    if row.undone_at is not None:
        state, kind = words.say(_("Taken apart")), "neutral"
    elif split:
        state, kind = words.say(_("Two people, says the register")), "overdue"
    else:
        state, kind = words.say(_("Stands")), "ok"
    return {
        "id": row.id,
        "url": f"{here}{row.id}/",
        "kept": row.kept_number,
        "kept_name": row.kept_name,
        "merged": row.merged_number,
        "merged_name": row.merged_name,
        "decided": words.day(row.decided_on),
        "at": format_jst(row.merged_at),
        "source": words.code(row.source),
        "by": row.recorded_by or "",
        "state": state,
        "kind": kind,
    }


@view_defaults(context=MergeNode)
class MergePage:
    """One merge."""

    def __init__(self, context: MergeNode, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.row = context.row
        self.words = DoubleWords(request)
        self.here = request.resource_path(context)

    @view_config(
        request_method="GET",
        permission=Permission.DOUBLE_VIEW,
        renderer="yvaxportal:templates/doubles/merge.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show what was moved, and what followed since."""
        plan = self._plan()
        stands = self.row.undone_at is None
        may = bool(self.request.has_permission(Permission.DOUBLE_MERGE, self.context))
        return {
            **self._about(plan),
            "facts": self._facts(),
            "stands": stands,
            "apart_url": f"{self.here}take-apart" if stands and may and not plan.later else None,
            "later": self._later(plan) if stands else [],
            "doses": [self._dose(dose, plan, with_fate=False) for dose in plan.moved],
            "follows": self._follows(plan),
        }

    @view_config(
        name="take-apart",
        request_method="GET",
        permission=Permission.DOUBLE_MERGE,
        renderer="yvaxportal:templates/doubles/apart.pt",
    )
    def ask(self) -> dict[str, Any]:
        """Show what taking apart would do, before anything is changed."""
        return self._preview(self._plan())

    @view_config(
        name="take-apart",
        request_method="POST",
        permission=Permission.DOUBLE_MERGE,
        renderer="yvaxportal:templates/doubles/apart.pt",
    )
    def take_apart(self) -> dict[str, Any] | Response:
        """Take the merge apart as it was shown."""
        request, plan, row = self.request, self._plan(), self.row
        if row.undone_at is not None:
            return self._refused("undone", row.undone_by or "", row.undone_at)
        form = self._form(plan)
        try:
            values: dict[str, Any] = dict(form.validate(request.POST.items()))
        except deform.ValidationFailure:
            if request.POST.get("seen") != plan.seen:
                # The doses asked about are others now: that is what has to be told.
                return self._refused("changed")
            request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
            return self._preview(plan, form)
        order = Order(
            plan.merge.id,
            values["seen"],
            {key: Side(values[dose_field(key)]) for key in _asked(plan)},
            values["reason"],
            request.identity.staff_id,
            request.now,
        )
        try:
            take_apart(request.db, request.audit, order)
        except ApartRefusedError as error:
            return self._refused(error.rule, error.by, error.at)
        request.flash("success", _("The merge was taken apart. See below what has to be set right by hand."))
        return HTTPSeeOther(self.here)

    def _plan(self) -> Plan:
        plan = plan_of(self.request.db, self.row.id)
        if plan is None:
            raise LookupError("the merge went while it was looked at")
        return plan

    def _refused(self, rule: str, by: str = "", at: datetime | None = None) -> dict[str, Any]:
        self.request.response.status_int = HTTPStatus.CONFLICT
        return self._preview(self._plan(), problem=self.words.refusal(APART_REFUSALS, rule, by, at))

    def _preview(self, plan: Plan, form: PortalForm | None = None, problem: str = "") -> dict[str, Any]:
        open_ = plan.merge.undone_at is None and not plan.later
        if form is None and open_:
            form = self._form(plan)
            form.set_appstruct({"seen": plan.seen})
        return {
            **self._about(plan),
            "problem": problem,
            "later": self._later(plan),
            "undone": plan.merge.undone_at is not None,
            "doses": [self._dose(dose, plan, with_fate=True) for dose in plan.moved],
            "since": len(plan.since),
            "moves": [
                {"label": self.words.say(MOVED[table]), "value": f"{len(ids):,}"}
                for table, ids in plan.moves.items()
                if ids
            ],
            "sentences": self._sentences(plan),
            "follows": self._follows(plan),
            "form": form.render() if form is not None and open_ else "",
        }

    def _about(self, plan: Plan) -> dict[str, Any]:
        request = self.request
        for party in (plan.kept, plan.returning):
            request.audit.record(Action.MERGE_VIEWED, resident_id=party.id, subject=f"merge:{self.row.id}")
        return {
            "row": self.row,
            "here": self.here,
            "list_url": request.resource_path(request.root, "doubles", ""),
            "merges_url": request.resource_path(self.context.__parent__),
            "parties": [
                {
                    "role": self.words.say(role),
                    "name": party.name,
                    "kana": party.name_kana or "",
                    "number": party.atena_number,
                    "birth": self.words.birth(party.date_of_birth_written, foreign=party.is_foreign_national),
                    "url": request.resource_path(request.root, "residents", party.atena_number, ""),
                }
                for role, party in (
                    (_("The number that stays"), plan.kept),
                    (_("The number that was merged"), plan.returning),
                )
            ],
        }

    def _facts(self) -> list[dict[str, str]]:
        row, words = self.row, self.words
        facts = [
            (_("Who said so"), words.code(row.source)),
            (_("Recorded by"), row.recorded_by or ""),
            (_("Day of the decision"), words.day(row.decided_on)),
            (_("Where the decision is found"), row.reference or ""),
            (_("Reason"), row.reason or ""),
            (_("Merged on"), format_jst(row.merged_at)),
            (_("Taken apart on"), f"{format_jst(row.undone_at)} {row.undone_by}" if row.undone_at else ""),
            (_("Why it was taken apart"), row.undo_reason or ""),
        ]
        return [{"label": words.say(label), "value": value} for label, value in facts if value]

    def _later(self, plan: Plan) -> list[dict[str, Any]]:
        base = self.request.resource_path(self.context.__parent__)
        return [{"id": key, "url": f"{base}{key}/"} for key in plan.later]

    def _form(self, plan: Plan) -> PortalForm:
        sides = [
            (side.value, _(text, mapping={"number": party.atena_number}))
            for side, text, party in (
                (Side.KEPT, SIDES[Side.KEPT], plan.kept),
                (Side.RETURNING, SIDES[Side.RETURNING], plan.returning),
            )
        ]
        doses = [
            (dose.standing, self._named(dose), self._hint(dose, plan))
            for dose in plan.since
            if dose.standing is not None
        ]
        return PortalForm(
            apart_schema(self.request, doses, sides),
            action=f"{self.here}take-apart",
            buttons=(
                deform.Button("apart", _("Take the merge apart"), css_class="btn-danger"),
                deform.Button("cancel", _("Cancel"), type="link", value=self.here),
            ),
            formid="apart",
            focus="off",
        )

    def _named(self, dose: PlannedDose) -> str:
        words = self.words
        return f"{words.vaccine(dose.vaccine)} {dose.dose_number} ({words.day(dose.given_on)})"

    def _hint(self, dose: PlannedDose, plan: Plan) -> str:
        source = self.words.code(dose.source)
        if not dose.reported:
            return source
        named = _("A file reported it under ${number}.", mapping={"number": plan.returning.atena_number})
        return f"{source}. {self.words.say(named)}"

    def _dose(self, dose: PlannedDose, plan: Plan, *, with_fate: bool) -> dict[str, Any]:
        words, moved = self.words, plan.merge.moved
        fate, kind = FATES[dose.fate] if with_fate and dose.fate is not None else ("", "")
        differs = [words.say(DOSE_ITEMS.get(item, item)) for item in dose.differs]
        return {
            "vaccine": words.vaccine(dose.vaccine),
            "number": dose.dose_number,
            "day": words.day(dose.given_on),
            "source": words.code(dose.source),
            "state": words.code(dose.state),
            "fate": words.say(fate),
            "kind": kind,
            "both": str(dose.old) in moved.get("double", {}),
            "differs": ("、" if words.japanese else ", ").join(dict.fromkeys(differs)),
            "unresolved": dose.standing in moved.get("unresolved", ()),
        }

    def _sentences(self, plan: Plan) -> list[str]:
        """Return what else happens, in words."""
        words, number = self.words, {"number": plan.returning.atena_number}
        found = []
        if plan.note:
            found.append(_(NOTES[plan.note], mapping=number))
        if plan.rows:
            found.append(
                _(
                    "Rows of files that wait for ${number}: ${count}. They go with it.",
                    mapping={**number, "count": f"{len(plan.rows):,}"},
                )
            )
        if any(plan.protected_after):
            both = all(plan.protected_after)
            text = (
                _("Both numbers are under a support measure afterwards.")
                if both
                else _("The support measure goes with the number it was for.")
            )
            found.append(text)
        found += self._numbers(plan)
        return [words.say(text) for text in found]

    def _numbers(self, plan: Plan) -> list[str]:
        """Return under which of the numbers a personal number is registered: whether, never which."""
        vault = self.request.vault
        having = [party.atena_number for party in (plan.kept, plan.returning) if vault.has(party.id)]
        if not having:
            return []
        return [
            _(
                "A personal number is registered under ${numbers}. It stays there; the register confirms it.",
                mapping={"numbers": "、".join(having)},
            )
        ]

    def _follows(self, plan: Plan) -> list[dict[str, Any]]:
        moved = plan.merge.moved
        done = plan.merge.undone or {}
        doses = {key for pair in moved.get("dose", []) for key in pair if key is not None}
        doses |= set(moved.get("double", {}).values())
        doses |= {dose.standing for dose in plan.since if dose.standing is not None}
        doses |= {row[0] for row in done.get("since", [])}
        found = consequences_of(
            self.request.db,
            plan.merge,
            doses=sorted(doses),
            returning=done.get("ticket", plan.moves["ticket"]),
            now=self.request.now,
        )
        return sections(self.request, self.words, found)


def _asked(plan: Plan) -> list[int]:
    return [dose.standing for dose in plan.since if dose.standing is not None]
