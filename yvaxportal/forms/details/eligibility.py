"""Insurance, taxation and welfare states (record items 37 to 41) on staff's own word."""

from datetime import date
from typing import Any

import colander

from yvaxportal.forms.base import PortalSchema, choice_node, date_node, text_node
from yvaxportal.forms.details.common import reason_node, spanning
from yvaxportal.forms.labels import choices
from yvaxportal.models.codes import EligibilityKind, EligibilityState
from yvaxportal.services.eligibility import states_of
from yvaxportal.values.text import _


class EligibilityPeriodSchema(PortalSchema):
    """A period of one kind."""

    kind = spanning(6, choice_node("kind", _("Kind"), choices(EligibilityKind)))
    state = spanning(
        6,
        choice_node(
            "state",
            _("State"),
            choices(EligibilityState),
            description=_(
                "For resident tax: tax-exempt, taxed, or income not declared. Otherwise: held or not held."
            ),
        ),
    )
    detail = spanning(
        4,
        text_node(
            "detail",
            _("Details"),
            max_length=100,
            required=False,
            description=_("For example the grade of the disability certificate."),
        ),
    )
    valid_from = spanning(4, date_node("valid_from", _("First day")))
    valid_to = spanning(
        4, date_node("valid_to", _("Last day"), required=False, description=_("Empty while it goes on."))
    )
    reason = reason_node(_("What this entry rests on, for example a paper that was shown."), required=True)

    def validator(self, node: colander.SchemaNode, values: dict[str, Any]) -> None:
        """Refuse a state that the kind does not have, and a period that ends before it begins."""
        wrong = colander.Invalid(node)
        if EligibilityState(values["state"]) not in states_of(EligibilityKind(values["kind"])):
            wrong["state"] = _("This state does not go with this kind. Choose another one.")
        first, last = values["valid_from"], values["valid_to"]
        if isinstance(first, date) and isinstance(last, date) and last < first:
            wrong["valid_to"] = _("The last day is before the first day.")
        if wrong.children:
            raise wrong
