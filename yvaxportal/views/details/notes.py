"""Remarks and follow-up, kept by the department itself."""

from typing import Any

from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.details.notes import NoteSchema
from yvaxportal.models.record_items import items_of
from yvaxportal.resources import Notes
from yvaxportal.security.permissions import Permission
from yvaxportal.services.detail_changes import Change
from yvaxportal.services.resident_details import NOTE_ITEMS, change_note
from yvaxportal.services.resident_page import note_of
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.details.editing import EditPage, Values, appstruct_of


@view_defaults(context=Notes)
class NotesPage(EditPage):
    """The remarks on one resident (items 32 and 36)."""

    part = "notes"
    schema = NoteSchema
    title = _("Write remarks")
    view_permission = Permission.NOTE_VIEW

    @view_config(
        request_method="GET",
        permission=Permission.NOTE_VIEW,
        renderer="yvaxportal:templates/details/facts.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show the remarks and record that they were seen."""
        self._seen()
        note = note_of(self.request.db, self.resident.id)
        changed = _("Last changed: ${when}", mapping={"when": format_jst(note.changed_at)}) if note else None
        return self.page(
            _("Remarks"),
            entries=self.entries(items_of("resident_note"), note),
            edit_url=f"{self.url}edit" if self.may(Permission.NOTE_EDIT) else None,
            notice=self.words.say(changed) if changed else None,
        )

    @view_config(
        name="edit",
        request_method="GET",
        permission=Permission.NOTE_EDIT,
        renderer="yvaxportal:templates/details/form.pt",
    )
    def edit(self) -> dict[str, Any]:
        """Show the form as the remarks stand."""
        form = self.form()
        self._seen()
        note = note_of(self.request.db, self.resident.id)
        form.set_appstruct(appstruct_of(note, NOTE_ITEMS, revision=note.revision if note else 0))
        return self.show_form(form)

    @view_config(
        name="edit",
        request_method="POST",
        permission=Permission.NOTE_EDIT,
        renderer="yvaxportal:templates/details/form.pt",
    )
    def change(self) -> dict[str, Any] | Response:
        """Save the remarks."""

        def deed(typed: Values) -> Change:
            return change_note(
                self.request.db,
                self.request.audit,
                self.resident.id,
                {item: typed[item] for item in NOTE_ITEMS},
                revision=typed["revision"],
                staff_id=self.request.identity.staff_id,
                now=self.request.now,
            )

        return self.save(deed)

    def _seen(self) -> None:
        self.request.audit.record(Action.NOTE_VIEWED, resident_id=self.resident.id)
