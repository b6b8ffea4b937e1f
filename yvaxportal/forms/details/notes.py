"""Remarks that the department itself keeps on a person (record items 32 and 36)."""

from yvaxportal.forms.base import PortalSchema, text_node
from yvaxportal.forms.details.common import revision_node
from yvaxportal.values.text import _

NOTE_LENGTH = 2000


class NoteSchema(PortalSchema):
    """Personal remarks and follow-up."""

    revision = revision_node()
    personal_remarks = text_node(
        "personal_remarks",
        _("Personal remarks"),
        max_length=NOTE_LENGTH,
        required=False,
        lines=6,
    )
    follow_up = text_node("follow_up", _("Follow-up"), max_length=NOTE_LENGTH, required=False, lines=6)
