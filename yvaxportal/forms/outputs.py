"""Forms of files that leave: asking for one, refusing one."""

from collections.abc import Sequence

import colander
import deform

from yvaxportal.forms.base import PortalSchema, choice_node, text_node
from yvaxportal.request import PortalRequest
from yvaxportal.values.text import _


def request_schema(
    request: PortalRequest, lists: Sequence[tuple[str, str]], layouts: Sequence[tuple[str, str]]
) -> PortalSchema:
    """Return the form that asks for a file; ``lists`` and ``layouts`` are pairs of value and label."""
    schema = PortalSchema()
    schema.add(choice_node("extraction", _("List of targets"), lists))
    schema.add(choice_node("layout", _("Form of the file"), layouts))
    schema.add(
        text_node(
            "title",
            _("Title in the register"),
            max_length=80,
            description=_("Seen by whoever may see the register: nobody's name."),
        )
    )
    schema.add(
        text_node(
            "purpose",
            _("Purpose of taking it out"),
            max_length=300,
            min_length=2,
            lines=2,
            description=_("What it is used for, and who receives it. Whoever approves decides by this."),
        )
    )
    bound: PortalSchema = schema.bind(request=request)
    return bound


def reason_schema(request: PortalRequest, title: str) -> PortalSchema:
    """Return a form of one reason, under the title ``title``."""
    schema = PortalSchema()
    schema.add(text_node("reason", title, max_length=300, min_length=2))
    bound: PortalSchema = schema.bind(request=request)
    return bound


def download_schema(request: PortalRequest, loans: Sequence[tuple[str, str]]) -> PortalSchema:
    """Return the form that takes a file: onto which of one's lent media, or onto none."""
    schema = PortalSchema()
    schema.add(
        colander.SchemaNode(
            colander.String(),
            name="medium",
            title=_("Where it goes"),
            missing="",
            widget=deform.widget.SelectWidget(values=(("", _("Onto no storage medium")), *loans)),
            validator=colander.OneOf([value for value, _label in loans]),
        )
    )
    bound: PortalSchema = schema.bind(request=request)
    return bound
