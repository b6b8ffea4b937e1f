"""Forms about numbers that may be one person: deciding, writing down a merge, taking one apart."""

from collections.abc import Sequence

import colander
import deform

from yvaxportal.forms.base import PortalSchema, choice_node, date_node, day_between, text_node
from yvaxportal.request import PortalRequest
from yvaxportal.services.doubles.deciding import LONGEST_REASON
from yvaxportal.values.text import _


def decision_schema(request: PortalRequest) -> PortalSchema:
    """Return the form that decides about a pair, or takes a decision back."""
    schema = PortalSchema()
    schema.add(_hidden("revision", colander.Integer()))
    schema.add(_reason(_("What was looked at, who was told. Stays with the pair.")))
    bound: PortalSchema = schema.bind(request=request)
    return bound


def merging_schema(request: PortalRequest, numbers: Sequence[tuple[str, str]]) -> PortalSchema:
    """Return the form that writes down what the register decided.

    :param numbers: resident id and label of both.
    """
    schema = PortalSchema()
    schema.add(_hidden("revision", colander.Integer()))
    schema.add(choice_node("kept", _("The number that remains"), numbers, as_radio=True))
    schema.add(
        date_node("decided_on", _("Day of the decision"), validators=[day_between(None, request.today)])
    )
    schema.add(
        text_node(
            "reference",
            _("Where the decision is found"),
            max_length=200,
            min_length=2,
            description=_("Document number of the register's staff, or who said so and when."),
        )
    )
    schema.add(_reason(_("Why the two numbers are one person.")))
    bound: PortalSchema = schema.bind(request=request)
    return bound


def apart_schema(
    request: PortalRequest,
    doses: Sequence[tuple[int, str, str]],
    sides: Sequence[tuple[str, str]],
) -> PortalSchema:
    """Return the form that takes a merge apart.

    :param doses: id, label and hint of each dose that was recorded since; none is chosen beforehand.
    """
    schema = PortalSchema()
    schema.add(_hidden("seen", colander.String()))
    for dose_id, label, hint in doses:
        schema.add(choice_node(dose_field(dose_id), label, sides, as_radio=True, description=hint))
    schema.add(_reason(_("Why they are two people, and who decided it. Stays with the merge.")))
    bound: PortalSchema = schema.bind(request=request)
    return bound


def dose_field(dose_id: int) -> str:
    """Return the name of the field of one dose."""
    return f"dose_{dose_id}"


def _reason(description: str) -> colander.SchemaNode:
    return text_node("reason", _("Reason"), max_length=LONGEST_REASON, min_length=2, description=description)


def _hidden(name: str, kind: colander.SchemaType) -> colander.SchemaNode:
    return colander.SchemaNode(kind, name=name, widget=deform.widget.HiddenWidget())
