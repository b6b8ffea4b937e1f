"""The items of the resident register, and their correction for people who are not in it."""

from typing import Any, ClassVar

from pyramid.httpexceptions import HTTPForbidden
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.details.person import PersonSchema
from yvaxportal.models.codes import ResidentCategory, Sex
from yvaxportal.models.record_items import items_of
from yvaxportal.resources import Resident
from yvaxportal.security.permissions import Permission
from yvaxportal.services.detail_changes import Change
from yvaxportal.services.non_registered import (
    PERSON_ITEMS,
    NumberTakenError,
    OwnedByRegisterError,
    correct_person,
    owned_by_register,
)
from yvaxportal.services.outbox.queue import waits_for
from yvaxportal.services.support_measures import measures_of
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.values.wareki import parse_date
from yvaxportal.views.details.editing import EditPage, Values, appstruct_of

TAKEN = _("This number belongs to another person. Check it.")


@view_defaults(context=Resident)
class RegisterItemsPage(EditPage):
    """Items 2 to 8, 16 to 23, 27 and 33 of one resident."""

    part = "register-items"
    schema = PersonSchema
    title = _("Correct the items of a person who is not registered")
    view_permission = Permission.RESIDENT_VIEW
    field_of: ClassVar = {"date_of_birth_written": "date_of_birth"}

    @view_config(
        name="register-items",
        request_method="GET",
        permission=Permission.RESIDENT_VIEW,
        renderer="yvaxportal:templates/details/register_items.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show every item in the annex's order, and when the register last confirmed them."""
        self._seen()
        owned = owned_by_register(self.resident)
        protected = self.resident.support_measure_flag
        return self.page(
            _("Register items"),
            entries=self.entries(items_of("resident"), self.resident),
            as_of=format_jst(self.resident.register_as_of),
            owned=owned,
            waits=waits_for(self.request.db, self.resident.id),
            measures=measures_of(self.request.db, self.resident.id) if protected else (),
            edit_url=(
                f"{self.url}edit-register-items" if not owned and self.may(Permission.RESIDENT_EDIT) else None
            ),
        )

    @view_config(
        name="edit-register-items",
        request_method="GET",
        permission=Permission.RESIDENT_EDIT,
        renderer="yvaxportal:templates/details/form.pt",
    )
    def edit(self) -> dict[str, Any]:
        """Show the form as the items stand."""
        form = self.form()
        if owned_by_register(self.resident):
            raise HTTPForbidden
        self._seen()
        form.set_appstruct(
            appstruct_of(
                self.resident,
                [item for item in PERSON_ITEMS if item != "date_of_birth_written"],
                date_of_birth=self.resident.date_of_birth_written,
                revision=self.resident.revision,
            ),
        )
        return self.show_form(form)

    @view_config(
        name="edit-register-items",
        request_method="POST",
        permission=Permission.RESIDENT_EDIT,
        renderer="yvaxportal:templates/details/form.pt",
    )
    def change(self) -> dict[str, Any] | Response:
        """Save the items."""

        def deed(typed: Values) -> Change:
            return correct_person(
                self.request.db,
                self.request.audit,
                self.resident.id,
                {item: typed[item] for item in PERSON_ITEMS},
                revision=typed["revision"],
                now=self.request.now,
            )

        try:
            return self.save(deed, read=_read)
        except NumberTakenError as taken:
            form = self.form()
            form.validate(self.request.POST.items())
            return self.refused(form, **{taken.item: TAKEN})
        except OwnedByRegisterError:
            raise HTTPForbidden from None

    def back(self) -> str:
        """Go back to the items."""
        return f"{self.url}register-items"

    def _seen(self) -> None:
        self.request.audit.record(
            Action.RESIDENT_VIEWED,
            resident_id=self.resident.id,
            detail={"part": "register-items"},
        )


def written_birth(typed: str) -> str:
    """Return a birth date that the form accepted in the register's form: 1955-04-00."""
    return str(parse_date(typed))


def _read(values: Values) -> Values:
    return {
        **values,
        "date_of_birth_written": written_birth(values["date_of_birth"]),
        "sex": Sex(values["sex"]),
        "resident_category": ResidentCategory(values["resident_category"]),
    }
