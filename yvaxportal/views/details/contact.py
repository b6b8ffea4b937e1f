"""Where a resident lives and is reached; under a support measure only for those with the stricter right."""

from typing import Any

import colander
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.details.contact import ContactSchema
from yvaxportal.models.record_items import items_of
from yvaxportal.resources import Contact
from yvaxportal.security.permissions import Permission
from yvaxportal.services.detail_changes import Change
from yvaxportal.services.non_registered import owned_by_register
from yvaxportal.services.outbox.queue import waits_for
from yvaxportal.services.resident_details import CONTACT_ITEMS, change_contact
from yvaxportal.services.resident_page import contact_of
from yvaxportal.values.text import _
from yvaxportal.views.details.editing import EditPage, Values, appstruct_of

REGISTER_OWNS = _(
    "The resident register owns most of these items. Correct them here only until the register is corrected, "
    "and give the reason.",
)


@view_defaults(context=Contact)
class ContactPage(EditPage):
    """The contact of one resident (items 9 to 15, 25, 26, 34, 35)."""

    part = "contact"
    schema = ContactSchema
    title = _("Correct address and contact")
    view_permission = Permission.CONTACT_VIEW

    @view_config(
        request_method="GET",
        permission=Permission.CONTACT_VIEW,
        renderer="yvaxportal:templates/details/contact.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show the contact; that it was seen has an event of its own."""
        self._seen()
        contact = contact_of(self.request.db, self.resident.id)
        return self.page(
            _("Address and contact"),
            entries=self.entries(items_of("resident_contact"), contact),
            protected=self.resident.support_measure_flag,
            waits=waits_for(self.request.db, self.resident.id),
            may_edit=self.may(Permission.CONTACT_EDIT),
            may_protect=self.may(Permission.SUPPORT_MEASURE_EDIT),
        )

    @view_config(
        name="edit",
        request_method="GET",
        permission=Permission.CONTACT_EDIT,
        renderer="yvaxportal:templates/details/form.pt",
    )
    def edit(self) -> dict[str, Any]:
        """Show the form as the contact stands."""
        form = self.form()
        self._seen()
        contact = contact_of(self.request.db, self.resident.id)
        appstruct = appstruct_of(contact, CONTACT_ITEMS, revision=contact.revision if contact else 0)
        if contact is None:
            appstruct["has_mailing_address"] = colander.null
        form.set_appstruct(appstruct)
        return self.show_form(form)

    @view_config(
        name="edit",
        request_method="POST",
        permission=Permission.CONTACT_EDIT,
        renderer="yvaxportal:templates/details/form.pt",
    )
    def change(self) -> dict[str, Any] | Response:
        """Save the contact."""

        def deed(typed: Values) -> Change:
            return change_contact(
                self.request.db,
                self.request.audit,
                self.resident.id,
                {item: typed[item] for item in CONTACT_ITEMS},
                revision=typed["revision"],
                reason=typed["reason"],
                now=self.request.now,
            )

        return self.save(deed)

    def notice(self) -> str | None:
        """Tell whose items these are."""
        return REGISTER_OWNS if owned_by_register(self.resident) else None

    def _seen(self) -> None:
        self.request.audit.record(
            Action.CONTACT_VIEWED,
            resident_id=self.resident.id,
            detail={"support_measure": self.resident.support_measure_flag},
        )
