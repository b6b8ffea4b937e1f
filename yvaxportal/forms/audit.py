"""The auditor's filter. It travels in the address, so it holds nothing personal but an atena number."""

import colander
import deform

from yvaxportal.forms.audit_labels import ACTION_LABELS
from yvaxportal.forms.base import PortalSchema, choice_node, date_node, text_node
from yvaxportal.forms.labels import choices
from yvaxportal.models.codes import Outcome
from yvaxportal.request import PortalRequest
from yvaxportal.values.text import _

#: Where the page says that a personal number was typed and erased.
REFUSED_ID = "audit-number-refused"


def audit_schema(request: PortalRequest) -> PortalSchema:
    """Return the filter: who, what, how it ended, whom, from when to when, for which case."""
    schema = PortalSchema()
    # A filter changes nothing and travels in the address, where the session's token has no business.
    del schema["csrf_token"]
    actions = [(str(action), label) for action, label in ACTION_LABELS.items()]
    digits = colander.Regex(r"^[0-9]{1,15}$", msg=_("An atena number has up to fifteen digits."))
    nodes = [
        (text_node("actor", _("User ID"), max_length=63, required=False), "span-2"),
        (choice_node("action", _("Act"), actions, required=False, nothing=_("(any)")), "span-3"),
        (
            choice_node("outcome", _("Outcome"), choices(Outcome), required=False, nothing=_("(any)")),
            "span-2",
        ),
        (
            text_node("atena_number", _("Atena number"), max_length=15, required=False, validators=[digits]),
            "span-2",
        ),
        (text_node("case_reference", _("Case reference"), max_length=64, required=False), "span-3"),
        (date_node("first_day", _("From"), required=False), "span-4"),
        (date_node("last_day", _("To"), required=False), "span-4"),
    ]
    for node, width in nodes:
        node.widget.item_css_class = width
        if isinstance(node.widget, deform.widget.TextInputWidget):
            given = getattr(node.widget, "attributes", None) or {}
            node.widget.attributes = {**given, "data-refuse-personal-number": REFUSED_ID}
        schema.add(node)
    bound: PortalSchema = schema.bind(request=request, today=request.today)
    return bound
