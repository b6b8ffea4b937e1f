"""Where a person lives and is reached (record items 9 to 15, 25, 26, 34, 35)."""

import colander

from yvaxportal.forms.base import PortalSchema, digits_node, flag_node, text_node
from yvaxportal.forms.details.common import reason_node, revision_node, spanning
from yvaxportal.values.text import _

ADDRESS_LENGTH = 200
NAME_LENGTH = 100


def postal_code_node() -> colander.SchemaNode:
    """Return the node of a postal code."""
    return digits_node("postal_code", _("Postal code"), length=7, required=False)


def current_address_node() -> colander.SchemaNode:
    """Return the node of the address (item 9)."""
    return text_node("current_address", _("Current address"), max_length=ADDRESS_LENGTH, required=False)


def phone_node() -> colander.SchemaNode:
    """Return the node of the telephone number (item 15)."""
    return text_node("phone_number", _("Phone number"), max_length=30, required=False)


class ContactSchema(PortalSchema):
    """The contact of one resident."""

    revision = revision_node()
    postal_code = spanning(3, postal_code_node())
    current_address = spanning(9, current_address_node())
    address_code = spanning(
        3, digits_node("address_code", _("Address code (municipality)"), length=6, required=False)
    )
    address_town_code = spanning(
        3,
        digits_node(
            "address_town_code",
            _("Address code (town)"),
            length=7,
            required=False,
        ),
    )
    neighbourhood_association = spanning(
        6,
        text_node(
            "neighbourhood_association",
            _("Neighbourhood association"),
            max_length=NAME_LENGTH,
            required=False,
        ),
    )
    elementary_school_district = spanning(
        4,
        text_node(
            "elementary_school_district",
            _("Elementary school district"),
            max_length=NAME_LENGTH,
            required=False,
        ),
    )
    junior_high_school_district = spanning(
        4,
        text_node(
            "junior_high_school_district",
            _("Junior high school district"),
            max_length=NAME_LENGTH,
            required=False,
        ),
    )
    phone_number = spanning(4, phone_node())
    address_before_moving_in = spanning(
        6,
        text_node(
            "address_before_moving_in",
            _("Address before moving in"),
            max_length=ADDRESS_LENGTH,
            required=False,
        ),
    )
    address_after_moving_out = spanning(
        6,
        text_node(
            "address_after_moving_out",
            _("Address after moving out"),
            max_length=ADDRESS_LENGTH,
            required=False,
        ),
    )
    has_mailing_address = flag_node("has_mailing_address", _("Letters go to a separate mailing address"))
    mailing_address = text_node(
        "mailing_address",
        _("Mailing address"),
        max_length=ADDRESS_LENGTH,
        required=False,
        description=_("With postal code and addressee, as it is to stand on the envelope."),
    )
    reason = reason_node(_("Needed when items of the resident register change, and for unusual values."))

    def validator(self, node: colander.SchemaNode, values: dict[str, object]) -> None:
        """Refuse letters to a mailing address that is not there."""
        if values["has_mailing_address"] and not values["mailing_address"]:
            wrong = colander.Invalid(node)
            wrong["mailing_address"] = _("Enter the mailing address, or take the mark above away.")
            raise wrong
