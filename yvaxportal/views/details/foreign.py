"""What only a foreign resident has: nationality, status, period of stay, card number."""

from typing import Any

from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.details.foreign import ForeignDetailsSchema
from yvaxportal.models.codes import ForeignResidentCategory
from yvaxportal.models.record_items import PERSONAL, items_of
from yvaxportal.resources import ForeignDetails
from yvaxportal.security.permissions import Permission
from yvaxportal.services.detail_changes import Change
from yvaxportal.services.non_registered import owned_by_register
from yvaxportal.services.resident_details import FOREIGN_ITEMS, change_foreign, foreign_of
from yvaxportal.values.text import _
from yvaxportal.values.width import fold_width
from yvaxportal.views.details.editing import EditPage, Values, appstruct_of

REGISTER_OWNS = _(
    "The resident register owns these items. Correct them here only until the register is corrected, "
    "and give the reason.",
)
#: Also told on this page, from the resident's own row (items 23 and 27).
_OF_THE_PERSON = frozenset({"is_foreign_national", "alias_name"})


@view_defaults(context=ForeignDetails)
class ForeignPage(EditPage):
    """The items of one foreign resident (items 23, 24, 27 to 31)."""

    part = "foreign"
    schema = ForeignDetailsSchema
    title = _("Correct the items of a foreign resident")
    view_permission = Permission.FOREIGN_VIEW

    @view_config(
        request_method="GET",
        permission=Permission.FOREIGN_VIEW,
        renderer="yvaxportal:templates/details/facts.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show the items and record that they were seen."""
        self._seen()
        person = [item for item in PERSONAL if item.identifier in _OF_THE_PERSON]
        foreign = foreign_of(self.request.db, self.resident.id)
        return self.page(
            _("Foreign resident"),
            entries=[
                *self.entries(person, self.resident),
                *self.entries(items_of("foreign_resident"), foreign),
            ],
            edit_url=f"{self.url}edit" if self.may(Permission.FOREIGN_EDIT) else None,
            notice=None,
        )

    @view_config(
        name="edit",
        request_method="GET",
        permission=Permission.FOREIGN_EDIT,
        renderer="yvaxportal:templates/details/form.pt",
    )
    def edit(self) -> dict[str, Any]:
        """Show the form as the items stand."""
        form = self.form()
        self._seen()
        foreign = foreign_of(self.request.db, self.resident.id)
        form.set_appstruct(
            appstruct_of(foreign, FOREIGN_ITEMS, revision=foreign.revision if foreign else 0),
        )
        return self.show_form(form)

    @view_config(
        name="edit",
        request_method="POST",
        permission=Permission.FOREIGN_EDIT,
        renderer="yvaxportal:templates/details/form.pt",
    )
    def change(self) -> dict[str, Any] | Response:
        """Save the items."""

        def deed(typed: Values) -> Change:
            return change_foreign(
                self.request.db,
                self.request.audit,
                self.resident.id,
                {item: typed[item] for item in FOREIGN_ITEMS},
                revision=typed["revision"],
                reason=typed["reason"],
            )

        return self.save(deed, read=_read)

    def notice(self) -> str | None:
        """Tell whose items these are."""
        return REGISTER_OWNS if owned_by_register(self.resident) else None

    def _seen(self) -> None:
        self.request.audit.record(Action.FOREIGN_VIEWED, resident_id=self.resident.id)


def _read(values: Values) -> Values:
    category = values["article_30_45_category"]
    card = values["residence_card_number"]
    return {
        **values,
        "article_30_45_category": ForeignResidentCategory(category) if category else None,
        "residence_card_number": "".join(fold_width(card).upper().split()) if card else None,
    }
