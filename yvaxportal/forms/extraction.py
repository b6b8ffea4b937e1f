"""The forms about lists of targets: asking for one, and what is done to it by hand."""

from collections.abc import Sequence
from typing import Any

import colander
import deform

from yvaxportal.forms.base import (
    PortalSchema,
    choice_node,
    date_node,
    flag_node,
    text_node,
)
from yvaxportal.forms.details.common import reason_node, revision_node, spanning
from yvaxportal.forms.extraction_labels import WANTED
from yvaxportal.forms.labels import label
from yvaxportal.services.extraction.criteria import TAX_STATES, Wanted
from yvaxportal.values.text import _

TITLE_LENGTH = 80
_WANTED = [(wanted.value, WANTED[wanted]) for wanted in Wanted]
_MOST_NAMES = 1000

Choices = Sequence[tuple[str, str]]


def new_list_schema(programmes: Choices, earlier: Choices) -> PortalSchema:
    """Return the form of a new list. ``earlier`` are lists whose people can be left out."""
    schema = PortalSchema()
    for node in (
        spanning(6, choice_node("programme", _("Programme"), programmes)),
        spanning(
            6,
            text_node(
                "title",
                _("Title"),
                max_length=TITLE_LENGTH,
                required=False,
                description=_("Empty: programme and day."),
            ),
        ),
        spanning(
            4,
            date_node(
                "reference_date",
                _("Reference date"),
                description=_("The day on which people have to be residents and the rules are asked."),
            ),
        ),
        spanning(
            4,
            date_node(
                "due_until",
                _("Due by"),
                description=_("Who becomes old enough by this day is invited, too."),
            ),
        ),
        spanning(
            4,
            date_node(
                "moved_in_since",
                _("Only who moved in since"),
                required=False,
                description=_("Empty: everybody. Births do not count."),
            ),
        ),
        spanning(
            6,
            text_node(
                "towns",
                _("Areas"),
                max_length=_MOST_NAMES,
                required=False,
                description=_("Names or codes of towns with commas between them; empty: everywhere."),
            ),
        ),
        spanning(
            6,
            text_node(
                "schools",
                _("School districts"),
                max_length=_MOST_NAMES,
                required=False,
                description=_("Names with commas between them; empty: all."),
            ),
        ),
        spanning(4, choice_node("national_health_insurance", _("National health insurance"), _WANTED)),
        spanning(4, choice_node("late_elderly_insurance", _("Late-stage elderly insurance"), _WANTED)),
        spanning(4, choice_node("public_assistance", _("Public assistance"), _WANTED)),
        spanning(
            6,
            colander.SchemaNode(
                colander.Set(),
                name="taxation",
                title=_("Resident tax"),
                description=_("None ticked: everybody."),
                missing=frozenset(),
                widget=deform.widget.CheckboxChoiceWidget(
                    values=[(state.value, label(state)) for state in TAX_STATES], inline=True
                ),
                validator=_tax_states,
            ),
        ),
        spanning(
            6,
            choice_node("not_on", _("Leave out who is on the earlier list"), earlier, required=False),
        ),
        spanning(6, flag_node("doses", _("Take out who has had the dose, or cannot have it yet"))),
        spanning(6, flag_node("circumstances", _("Take out by special circumstances"))),
        spanning(6, flag_node("no_invitation", _("Take out to whom nothing shall be posted"))),
        spanning(6, flag_node("extended", _("Include to whom the time was extended because they missed it"))),
        spanning(6, flag_node("still_resident", _("Take out who moved out or died meanwhile"))),
        colander.SchemaNode(
            colander.String(),
            name="shown",
            missing="",
            validator=colander.Regex(r"^[0-9,]{0,400}$"),
            widget=deform.widget.HiddenWidget(),
        ),
    ):
        schema.add(node)
    return schema


class AddPersonSchema(PortalSchema):
    """Putting one person on a list."""

    revision = revision_node()
    number = text_node("number", _("Atena number"), max_length=15)
    reason = reason_node(required=True)


class RemovePersonSchema(PortalSchema):
    """Taking one person off a list."""

    revision = revision_node()
    number = text_node("number", _("Atena number"), max_length=15)
    reason = reason_node(required=True)


class WithdrawSchema(PortalSchema):
    """Withdrawing a whole list."""

    revision = revision_node()
    reason = reason_node(required=True)


class ListFileSchema(PortalSchema):
    """Asking for a list as a file: what for (measure M16)."""

    purpose = text_node("purpose", _("What the file is for"), max_length=200)


def _tax_states(node: colander.SchemaNode, values: Any) -> None:
    if not set(values) <= {state.value for state in TAX_STATES}:
        raise colander.Invalid(node, _("Choose from the list."))
