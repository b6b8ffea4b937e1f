"""Nodes that several of the forms have: the revision they were made from, a reason, a birth date."""

from datetime import date

import colander
import deform

from yvaxportal.forms.base import text_node
from yvaxportal.forms.types import WholeNumber
from yvaxportal.forms.widgets import DateTextWidget
from yvaxportal.values.text import _
from yvaxportal.values.wareki import parse_date

REASON_LENGTH = 500


def spanning(columns: int, node: colander.SchemaNode) -> colander.SchemaNode:
    """Set how many of a form's twelve columns a field takes, and return it."""
    node.widget.item_css_class = f"span-{columns}"
    return node


def revision_node() -> colander.SchemaNode:
    """Return the hidden node that tells which revision the form was made from; 0 where there was no row."""
    return colander.SchemaNode(
        WholeNumber(),
        name="revision",
        title=_("Revision"),
        widget=deform.widget.HiddenWidget(),
    )


def reason_node(description: str | None = None, *, required: bool = False) -> colander.SchemaNode:
    """Return the node of the reason for a save, kept in the audit log."""
    return text_node(
        "reason",
        _("Reason"),
        max_length=REASON_LENGTH,
        required=required,
        description=description or "",
    )


def birth_node() -> colander.SchemaNode:
    """Return the node of a birth date in any usual writing, day or month and day possibly unknown."""
    return text_node(
        "date_of_birth",
        _("Date of birth"),
        max_length=40,
        validators=[_a_birth_date],
        widget=DateTextWidget(quick=False),
        description=_("Write S30.4.1 or 1955-04-01; with the day or month unknown 1955-04-00 or 1955-00-00."),
    )


def _a_birth_date(node: colander.SchemaNode, value: str) -> None:
    found = parse_date(value)
    if found is None:
        raise colander.Invalid(node, _("This is not a date. Write it like R8.11.23, 20261123 or 2026-11-23."))
    today = (node.bindings or {}).get("today")
    if isinstance(today, date) and found.earliest > today:
        raise colander.Invalid(node, _("A birth date cannot be in the future."))


def not_after_today(node: colander.SchemaNode, value: date) -> None:
    """Refuse a day in the future of the day that the schema is bound with."""
    today = (node.bindings or {}).get("today")
    if isinstance(today, date) and value > today:
        raise colander.Invalid(node, _("This day is in the future."))
