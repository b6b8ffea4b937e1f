"""Forms of the register of storage media."""

from datetime import date, timedelta

from yvaxportal.forms.base import PortalSchema, choice_node, date_node, day_between, text_node
from yvaxportal.forms.labels import LABELS
from yvaxportal.models.codes import MediumKind
from yvaxportal.outputs.media import EraseMethod
from yvaxportal.request import PortalRequest
from yvaxportal.values.text import _

ERASE_METHODS = {
    EraseMethod.OVERWRITE: _("Overwritten with erasure software"),
    EraseMethod.SECURE_ERASE: _("Erased by the medium's own command or by destroying its key"),
    EraseMethod.DESTRUCTION: _("Physically destroyed (the medium leaves the register)"),
}
LONGEST_LOAN = timedelta(days=31)


def medium_schema(request: PortalRequest) -> PortalSchema:
    """Return the form that registers a medium."""
    schema = PortalSchema()
    schema.add(
        text_node(
            "label",
            _("Label number"),
            max_length=40,
            description=_("What is stuck on the medium; each one once."),
        )
    )
    kinds = [(kind.value, LABELS[MediumKind][kind]) for kind in MediumKind]
    schema.add(choice_node("kind", _("Kind"), kinds))
    schema.add(text_node("serial_number", _("Serial number"), max_length=80, required=False))
    bound: PortalSchema = schema.bind(request=request)
    return bound


def loan_schema(request: PortalRequest, today: date) -> PortalSchema:
    """Return the form that asks for a medium."""
    schema = PortalSchema()
    schema.add(text_node("purpose", _("Purpose of use"), max_length=300, min_length=2))
    schema.add(text_node("recipient", _("Where it goes"), max_length=120, min_length=2))
    schema.add(
        date_node(
            "due_on",
            _("Back and erased by"),
            validators=[day_between(today, today + LONGEST_LOAN)],
            description=_("Overdue from the day after, until the erasure is recorded."),
        )
    )
    bound: PortalSchema = schema.bind(request=request, today=today)
    return bound


def erasure_schema(request: PortalRequest) -> PortalSchema:
    """Return the form that records an erasure."""
    schema = PortalSchema()
    methods = [(method.value, label) for method, label in ERASE_METHODS.items()]
    schema.add(choice_node("method", _("How it was erased"), methods))
    bound: PortalSchema = schema.bind(request=request)
    return bound
