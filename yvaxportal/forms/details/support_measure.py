"""Support measures (record item 33): start, renew, lift."""

from datetime import date, timedelta

import colander

from yvaxportal.forms.base import PortalSchema, date_node, flag_node
from yvaxportal.forms.details.common import reason_node, revision_node, spanning
from yvaxportal.values.text import _

#: A measure is asked for a year at a time; more than this is a slip of the keyboard.
LONGEST = timedelta(days=366)


def _check_period(node: colander.SchemaNode, values: dict[str, date]) -> None:
    wrong = colander.Invalid(node)
    if values["ends_on"] < values["starts_on"]:
        wrong["ends_on"] = _("The last day is before the first day.")
    elif values["ends_on"] - values["starts_on"] >= LONGEST:
        wrong["ends_on"] = _("A support measure lasts one year at most. Renew it before it ends.")
    if wrong.children:
        raise wrong


class SupportMeasureSchema(PortalSchema):
    """A period of a support measure, the first or a further one."""

    revision = revision_node()
    starts_on = spanning(6, date_node("starts_on", _("First day")))
    ends_on = spanning(
        6, date_node("ends_on", _("Last day"), description=_("One year unless decided otherwise."))
    )
    provisional = flag_node("provisional", _("Provisional, until the decision"))

    def validator(self, node: colander.SchemaNode, values: dict[str, date]) -> None:
        """Refuse a period that ends before it begins, or lasts longer than a year."""
        _check_period(node, values)


class LiftSupportMeasureSchema(PortalSchema):
    """The end of a support measure, always by a person and with a reason."""

    revision = revision_node()
    reason = reason_node(_("From now on everybody with the ordinary right sees the address."), required=True)
