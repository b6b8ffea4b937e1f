"""Two numbers beside each other: in what they agree, and what somebody decides about them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import deform
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.double_labels import AGAINST, REFUSALS, WHY
from yvaxportal.forms.doubles import decision_schema, merging_schema
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.models.codes import DoubleState
from yvaxportal.models.staff import StaffAccount
from yvaxportal.request import PortalRequest
from yvaxportal.resources import DoubleNode
from yvaxportal.security.permissions import Permission
from yvaxportal.services.doubles.deciding import (
    Decision,
    DoubleRefusedError,
    Merging,
    decide,
    may_record_merge,
    record_merge,
)
from yvaxportal.services.doubles.listing import Person, belongings, people_of
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.doubles.words import DoubleWords

#: The buttons of the decision, and what each makes of the pair.
_DEEDS = {
    "different": (_("Not the same person"), DoubleState.DIFFERENT),
    "told": (_("Told to the register"), DoubleState.TOLD),
    "reopen": (_("Take the decision back"), DoubleState.OPEN),
}
_OFFERED = {
    DoubleState.OPEN: ("different", "told"),
    DoubleState.TOLD: ("different", "reopen"),
    DoubleState.DIFFERENT: ("reopen",),
    DoubleState.MERGED: (),
}
_DONE = {
    DoubleState.DIFFERENT: _("Kept: two people. They are listed again only when something of them changes."),
    DoubleState.TOLD: _("Kept: the register was told. The merge comes from there."),
    DoubleState.OPEN: _("The decision was taken back."),
}
#: How much each has: no item in which one person could differ from themself.
_COUNTED = frozenset({"Doses", "Tickets", "Certificates"})
_KINDS = {DoubleState.OPEN: "soon", DoubleState.TOLD: "info"}


@view_defaults(context=DoubleNode, renderer="yvaxportal:templates/doubles/pair.pt")
class PairPage:
    """One pair, and what can be done with it."""

    def __init__(self, context: DoubleNode, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.double = context.double
        self.words = DoubleWords(request)
        self.here = request.resource_path(context)
        self.list_url = request.resource_path(context.__parent__)

    @view_config(request_method="GET", permission=Permission.DOUBLE_VIEW)
    def show(self) -> dict[str, Any]:
        """Show both and record that they were seen."""
        return self._page({})

    @view_config(name="decide", request_method="POST", permission=Permission.DOUBLE_DECIDE)
    def decide(self) -> dict[str, Any] | Response:
        """Keep what was decided."""
        request = self.request
        form = self._decision()
        try:
            values: dict[str, Any] = dict(form.validate(request.POST.items()))
        except deform.ValidationFailure:
            return self._again({"decide": form})
        deed = next((name for name in _DEEDS if name in request.POST), None)
        if deed is None:
            return self._refused("state")
        state = _DEEDS[deed][1]
        staff_id = request.identity.staff_id
        try:
            decide(
                request.db,
                request.audit,
                Decision(self.double.id, values["revision"], state, values["reason"], staff_id, request.now),
            )
        except DoubleRefusedError as error:
            return self._refused(error.rule, error)
        request.flash("success", _DONE[state])
        return HTTPSeeOther(self.list_url)

    @view_config(name="merge", request_method="POST", permission=Permission.DOUBLE_MERGE)
    def merge(self) -> dict[str, Any] | Response:
        """Merge because the register did, where it does not tell the portal itself."""
        request = self.request
        form = self._merging(self._people())
        try:
            values: dict[str, Any] = dict(form.validate(request.POST.items()))
        except deform.ValidationFailure:
            return self._again({"merge": form})
        try:
            made = record_merge(
                request.db,
                request.audit,
                Merging(
                    self.double.id,
                    values["revision"],
                    int(values["kept"]),
                    values["decided_on"],
                    values["reference"],
                    values["reason"],
                    request.identity.staff_id,
                    request.now,
                ),
                followed=self._followed(),
                today=request.today,
            )
        except DoubleRefusedError as error:
            return self._refused(error.rule, error)
        request.flash("success", _("The merge was recorded. What the number had stands with the other one."))
        return HTTPSeeOther(f"{self.list_url}merges/{made}/")

    def _followed(self) -> list[str]:
        connections = self.request.portal.connections
        return [system for system in ("resident_register", "atena") if connections.follows(system)]

    def _people(self) -> tuple[Person, Person]:
        found = people_of(self.request.db, (self.double.first_id, self.double.second_id))
        return found[self.double.first_id], found[self.double.second_id]

    def _again(self, forms: Mapping[str, PortalForm]) -> dict[str, Any]:
        self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
        return self._page(forms)

    def _refused(self, rule: str, error: DoubleRefusedError | None = None) -> dict[str, Any]:
        self.request.response.status_int = HTTPStatus.CONFLICT
        self.request.db.refresh(self.double)
        by, at = (error.by, error.at) if error else ("", None)
        return self._page({}, self.words.refusal(REFUSALS, rule, by, at))

    def _decision(self) -> PortalForm:
        offered = _OFFERED[self.double.state]
        return PortalForm(
            decision_schema(self.request),
            action=f"{self.here}decide",
            # All are known, so that one who was overtaken is told so rather than refused as unknown.
            buttons=tuple(
                deform.Button(name, label, css_class="btn-secondary" if at else "btn-primary")
                for at, (name, (label, _state)) in enumerate(_DEEDS.items())
                if name in offered or self.request.method == "POST"
            ),
            formid="decide",
            focus="off",
        )

    def _merging(self, people: tuple[Person, Person]) -> PortalForm:
        numbers = [(str(one.id), f"{one.atena_number} {one.name}") for one in people]
        return PortalForm(
            merging_schema(self.request, numbers),
            action=f"{self.here}merge",
            buttons=(deform.Button("merge", _("Record the merge"), css_class="btn-danger"),),
            formid="merge",
            focus="off",
        )

    def _forms(self, people: tuple[Person, Person], given: Mapping[str, PortalForm]) -> dict[str, str]:
        request, double = self.request, self.double
        forms: dict[str, PortalForm] = {}
        if _OFFERED[double.state] and request.has_permission(Permission.DOUBLE_DECIDE, self.context):
            forms["decide"] = given.get("decide") or self._decision()
        if self._may_merge():
            forms["merge"] = given.get("merge") or self._merging(people)
        for name, form in forms.items():
            if name not in given:
                form.set_appstruct({"revision": double.revision})
        return {name: form.render() for name, form in forms.items()}

    @property
    def _by_hand(self) -> bool:
        """Tell whether a merge of the pair has to be written down, since no message will come."""
        return may_record_merge(self.request.db, self.double, followed=self._followed())

    def _may_merge(self) -> bool:
        return (
            self.double.state in {DoubleState.OPEN, DoubleState.TOLD}
            and bool(self.request.has_permission(Permission.DOUBLE_MERGE, self.context))
            and self._by_hand
        )

    def _page(self, forms: Mapping[str, PortalForm], problem: str = "") -> dict[str, Any]:
        request, double, words = self.request, self.double, self.words
        people = self._people()
        for one in people:
            request.audit.record(Action.DOUBLES_VIEWED, resident_id=one.id, subject=f"double:{double.id}")
        label, kind = words.likely(double.score)
        decided_by = request.db.get(StaffAccount, double.state_by) if double.state_by else None
        waits = double.state in {DoubleState.OPEN, DoubleState.TOLD}
        return {
            "list_url": self.list_url,
            "problem": problem,
            "score": double.score,
            "label": label,
            "kind": kind,
            "state": words.code(double.state),
            "state_kind": _KINDS.get(double.state, "neutral"),
            "found": format_jst(double.found_at),
            "decided": {
                "by": decided_by.display_name if decided_by else "",
                "at": format_jst(double.state_at),
                "reason": double.reason or "",
                "again": double.state is DoubleState.OPEN,
            }
            if double.state_at
            else None,
            "why": [
                {"text": words.say(WHY.get(code, code)), "against": code in AGAINST} for code in double.why
            ],
            "people": [
                {
                    "name": one.name,
                    "number": one.atena_number,
                    "url": request.resource_path(request.root, "residents", one.atena_number, ""),
                }
                for one in people
            ],
            "sides": self._sides(people),
            "forms": self._forms(people, forms),
            "waits_for_register": waits and not self._by_hand,
            "a_manager_records": waits and self._by_hand and not self._may_merge(),
        }

    def _sides(self, people: tuple[Person, Person]) -> list[dict[str, Any]]:
        lines: list[tuple[str, list[str]]] = [
            (_("Name"), [one.name for one in people]),
            (_("Name in kana"), [one.name_kana or "" for one in people]),
            (_("Name in the alphabet"), [one.name_alphabet or "" for one in people]),
            (_("Alias"), [one.alias_name or "" for one in people]),
            (_("Former name"), [one.former_name or "" for one in people]),
            (_("Date of birth"), [self._birth(one) for one in people]),
            (_("Sex"), [self.words.code(one.sex) for one in people]),
            (_("State in the register"), [self.words.code(one.resident_category) for one in people]),
            (_("Resident since"), [self.words.day(one.became_resident_on) for one in people]),
            (_("Resident until"), [self.words.day(one.ceased_resident_on) for one in people]),
            *self._whereabouts(people),
        ]
        held = [belongings(self.request.db, one.id) for one in people]
        lines += [
            (_("Doses"), [f"{one.doses:,}" for one in held]),
            (_("Tickets"), [f"{one.tickets:,}" for one in held]),
            (_("Certificates"), [f"{one.certificates:,}" for one in held]),
        ]
        return [
            {
                "label": self.words.say(label),
                "values": values,
                "differs": values[0] != values[1] and all(values) and label not in _COUNTED,
            }
            for label, values in lines
            if any(values)
        ]

    def _whereabouts(self, people: tuple[Person, Person]) -> list[tuple[str, list[str]]]:
        """Return where both live, for those who may see it; under a support measure for nobody."""
        if Permission.CONTACT_VIEW not in self.request.own_permissions:
            return []
        hidden = self.words.say(_("Not shown (support measure)"))
        if any(one.protected for one in people):
            return [(_("Current address"), [hidden if one.protected else "―" for one in people])]
        return [
            (_("Household number"), [one.household_number or "" for one in people]),
            (_("Current address"), [one.address or "" for one in people]),
            (_("Phone number"), [one.phone or "" for one in people]),
        ]

    def _birth(self, person: Person) -> str:
        return self.words.birth(person.date_of_birth_written, foreign=person.is_foreign_national)
