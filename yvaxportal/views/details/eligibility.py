"""Insurance, taxation and welfare states: their history, and a period on staff's own word."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.adapters.errors import AdapterError, BadAnswer
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.audit.actions import Action
from yvaxportal.forms.connection_labels import SYSTEMS
from yvaxportal.forms.details.eligibility import EligibilityPeriodSchema
from yvaxportal.models.codes import EligibilityKind, EligibilityState
from yvaxportal.resources import EligibilityNode
from yvaxportal.security.permissions import Permission
from yvaxportal.services.detail_changes import Change
from yvaxportal.services.eligibility import STAFF, NewPeriod, add_period, history_of
from yvaxportal.services.resident_page import EligibilityRow
from yvaxportal.services.sync.eligibility import TAX, WELFARE, last_said
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.details.editing import EditPage, Values

STALE_AFTER = timedelta(days=31)
#: A page asks the registers again when they last spoke longer ago.
ASKED_AGAIN_AFTER = timedelta(days=1)


@view_defaults(context=EligibilityNode)
class EligibilityPage(EditPage):
    """The states of one resident (items 37 to 41)."""

    part = "eligibility"
    schema = EligibilityPeriodSchema
    title = _("Enter a state")
    view_permission = Permission.ELIGIBILITY_VIEW

    @view_config(
        request_method="GET",
        permission=Permission.ELIGIBILITY_VIEW,
        renderer="yvaxportal:templates/details/eligibility.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show the history of each kind and how fresh it is."""
        self.request.audit.record(Action.ELIGIBILITY_VIEWED, resident_id=self.resident.id)
        silent = self._refresh()
        history = history_of(self.request.db, self.resident.id)
        return self.page(
            _("Insurance, tax and welfare"),
            kinds=[self._kind(kind, rows) for kind, rows in history.items()],
            add_url=f"{self.url}add" if self.may(Permission.ELIGIBILITY_EDIT) else None,
            silent=silent,
        )

    @view_config(
        name="add",
        request_method="GET",
        permission=Permission.ELIGIBILITY_EDIT,
        renderer="yvaxportal:templates/details/form.pt",
    )
    def ask(self) -> dict[str, Any]:
        """Show the form for a new period."""
        form = self.form()
        form.set_appstruct({"valid_from": self.request.today})
        return self.show_form(form)

    @view_config(
        name="add",
        request_method="POST",
        permission=Permission.ELIGIBILITY_EDIT,
        renderer="yvaxportal:templates/details/form.pt",
    )
    def add(self) -> dict[str, Any] | Response:
        """Save the period."""

        def deed(typed: Values) -> Change:
            period = NewPeriod(
                kind=EligibilityKind(typed["kind"]),
                state=EligibilityState(typed["state"]),
                detail=typed["detail"],
                valid_from=typed["valid_from"],
                valid_to=typed["valid_to"],
            )
            add_period(
                self.request.db,
                self.request.audit,
                self.resident.id,
                period,
                reason=typed["reason"],
                now=self.request.now,
            )
            return Change({}, {"state": period.state})

        return self.save(deed)

    def _refresh(self) -> list[str]:
        """Ask the registers whose last word is old; return what to say of those that did not answer.

        The page opens with what is known, whatever they do, and waits no longer than one call may take.
        """
        request, connections = self.request, self.request.portal.connections
        followed = [system for system in (TAX, WELFARE) if connections.follows(system)]
        said = last_said(request.db, self.resident.id, followed)
        old = [
            system
            for system in followed
            if system not in said or request.now - said[system] > ASKED_AGAIN_AFTER
        ]
        if not old:
            return []
        context = CallContext.interactive(request.identity.login)
        failed = connections.eligibility.for_page(self.resident.atena_number, old, context)
        return [self._without(system, error, said.get(system)) for system, error in failed.items()]

    def _without(self, system: str, error: AdapterError, said: datetime | None) -> str:
        """Say why nothing new is shown of a system, and how old it is."""
        mapping = {"system": self.words.say(SYSTEMS[system])}
        if said is not None:
            mapping["when"] = format_jst(said)
        unusable = isinstance(error, BadAnswer)
        match (unusable, said is None):
            case (False, True):
                text = _("${system} did not answer, and nothing was received before.", mapping=mapping)
            case (False, False):
                text = _("${system} did not answer. What it said at ${when} is shown.", mapping=mapping)
            case (True, True):
                text = _(
                    "${system} gave an answer that cannot be used. Nothing else is here.", mapping=mapping
                )
            case _:
                text = _(
                    "${system} gave an answer that cannot be used. What it said at ${when} is shown.",
                    mapping=mapping,
                )
        return self.words.say(text)

    def notice(self) -> str | None:
        """Tell what becomes of an entry."""
        text: str = _(
            "The next update from the source system may say otherwise. A period that is running ends.",
        )
        return text

    def _kind(self, kind: EligibilityKind, rows: Sequence[EligibilityRow]) -> dict[str, Any]:
        newest = max((row.as_of for row in rows), default=None)
        now = next((row for row in rows if _runs_on(row, self.request.today)), None)
        return {
            "id": kind.value.replace("_", "-"),
            "label": self.words.code(kind),
            "now": self.words.code(now.state) if now else None,
            "as_of": format_jst(newest) if newest else "",
            "stale": newest is not None and self.request.now - newest > STALE_AFTER,
            "rows": [
                {
                    "state": self.words.code(row.state),
                    "detail": row.detail or "",
                    "first": self.words.day(row.valid_from),
                    "last": self.words.day(row.valid_to),
                    "as_of": format_jst(row.as_of),
                    "source": self.words.say(_("Staff")) if row.source == STAFF else row.source,
                    "is_now": row is now,
                }
                for row in rows
            ],
        }


def _runs_on(row: EligibilityRow, day: date) -> bool:
    return row.valid_from <= day and (row.valid_to is None or row.valid_to >= day)
