"""What only a foreign resident has (record items 24, 28 to 31)."""

from yvaxportal.forms.base import PortalSchema, choice_node, text_node
from yvaxportal.forms.details.common import reason_node, revision_node, spanning
from yvaxportal.forms.labels import choices
from yvaxportal.models.codes import ForeignResidentCategory
from yvaxportal.values.text import _


class ForeignDetailsSchema(PortalSchema):
    """The items of one foreign resident."""

    revision = revision_node()
    nationality = spanning(
        4, text_node("nationality", _("Nationality or region"), max_length=100, required=False)
    )
    article_30_45_category = spanning(
        8,
        choice_node(
            "article_30_45_category",
            _("Category under Article 30-45"),
            choices(ForeignResidentCategory),
            required=False,
        ),
    )
    residence_status = spanning(
        4, text_node("residence_status", _("Status of residence"), max_length=100, required=False)
    )
    period_of_stay = spanning(
        4, text_node("period_of_stay", _("Period of stay"), max_length=100, required=False)
    )
    residence_card_number = spanning(
        4,
        text_node(
            "residence_card_number",
            _("Residence card number"),
            max_length=20,
            required=False,
            description=_("Two letters, eight digits, two letters, for example AB12345678CD."),
        ),
    )
    reason = reason_node(_("Needed when items of the resident register change, and for unusual values."))
