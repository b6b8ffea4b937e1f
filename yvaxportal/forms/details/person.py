"""People who are not in the resident register: items 2 to 8, 16 to 23 and 27."""

import re
from datetime import date

import colander

from yvaxportal.forms.base import PortalSchema, Validator, choice_node, date_node, flag_node, text_node
from yvaxportal.forms.details.common import birth_node, reason_node, revision_node, spanning
from yvaxportal.forms.details.contact import current_address_node, phone_node, postal_code_node
from yvaxportal.forms.labels import LABELS, choices
from yvaxportal.models.codes import ResidentCategory, Sex
from yvaxportal.services.non_registered import CATEGORIES
from yvaxportal.values.kana import is_kana
from yvaxportal.values.text import _

NAME_LENGTH = 100
_NUMBER = re.compile("[0-9]{1,15}")


def _a_number(node: colander.SchemaNode, value: str) -> None:
    if not _NUMBER.fullmatch(value):
        raise colander.Invalid(node, _("Enter up to 15 digits, without spaces or letters."))


def _kana(node: colander.SchemaNode, value: str) -> None:
    if not is_kana(value):
        raise colander.Invalid(node, _("Write the name in kana only."))


def _number(name: str, title: str, *, required: bool = False, description: str = "") -> colander.SchemaNode:
    return text_node(
        name,
        title,
        max_length=15,
        required=required,
        validators=[_a_number],
        description=description,
    )


def _name(
    name: str,
    title: str,
    *,
    required: bool = False,
    validators: tuple[Validator, ...] = (),
    description: str = "",
) -> colander.SchemaNode:
    return text_node(
        name,
        title,
        max_length=NAME_LENGTH,
        required=required,
        validators=validators,
        description=description,
    )


def _reason_of_change(name: str, title: str) -> colander.SchemaNode:
    return text_node(name, title, max_length=50, required=False)


class _PersonItems(PortalSchema):
    """What is asked of a person both at first and later."""

    name = spanning(6, _name("name", _("Name"), required=True))
    name_kana = spanning(6, _name("name_kana", _("Name in kana"), validators=(_kana,)))
    name_alphabet = spanning(4, _name("name_alphabet", _("Name in the alphabet")))
    alias_name = spanning(4, _name("alias_name", _("Alias")))
    former_name = spanning(4, _name("former_name", _("Former name")))
    date_of_birth = spanning(5, birth_node())
    sex = spanning(4, choice_node("sex", _("Sex"), choices(Sex), as_radio=True))
    is_foreign_national = spanning(3, flag_node("is_foreign_national", _("Foreign national")))
    business_atena_number = spanning(
        4,
        _number(
            "business_atena_number",
            _("Business atena number"),
            description=_("Left empty, it is the same as the atena number."),
        ),
    )
    household_number = spanning(4, _number("household_number", _("Household number")))
    relationship_to_head = spanning(
        4,
        text_node(
            "relationship_to_head",
            _("Relationship to the head of household"),
            max_length=30,
            required=False,
        ),
    )


class PersonSchema(_PersonItems):
    """The items of a person who is not registered, to be corrected."""

    revision = revision_node()
    resident_category = choice_node(
        "resident_category",
        _("Resident category"),
        [(category.value, LABELS[ResidentCategory][category]) for category in CATEGORIES],
    )
    became_resident_reason = spanning(
        4, _reason_of_change("became_resident_reason", _("Reason of becoming a resident"))
    )
    became_resident_on = spanning(
        4, date_node("became_resident_on", _("Became a resident on"), required=False)
    )
    became_resident_notified_on = spanning(
        4,
        date_node(
            "became_resident_notified_on",
            _("Becoming a resident notified on"),
            required=False,
        ),
    )
    ceased_resident_reason = spanning(
        4,
        _reason_of_change(
            "ceased_resident_reason",
            _("Reason of ceasing to be a resident"),
        ),
    )
    ceased_resident_on = spanning(
        4,
        date_node(
            "ceased_resident_on",
            _("Ceased to be a resident on"),
            required=False,
            description=_("For a deceased person the day of death."),
        ),
    )
    ceased_resident_notified_on = spanning(
        4,
        date_node(
            "ceased_resident_notified_on",
            _("Ceasing to be a resident notified on"),
            required=False,
        ),
    )

    def validator(self, node: colander.SchemaNode, values: dict[str, object]) -> None:
        """Ask for the day of death of a deceased person; nobody ceases before they became."""
        wrong = colander.Invalid(node)
        became, ceased = values["became_resident_on"], values["ceased_resident_on"]
        if values["resident_category"] == ResidentCategory.DECEASED and ceased is None:
            wrong["ceased_resident_on"] = _("Enter the day of death.")
        if isinstance(became, date) and isinstance(ceased, date) and ceased < became:
            wrong["ceased_resident_on"] = _("This day is before the person became a resident.")
        if wrong.children:
            raise wrong


class NewPersonSchema(_PersonItems):
    """A person who is not registered, entered for the first time."""

    atena_number = spanning(
        4,
        _number(
            "atena_number",
            _("Atena number"),
            description=_("Left empty, the atena system assigns one."),
        ),
    )
    postal_code = spanning(4, postal_code_node())
    phone_number = spanning(4, phone_node())
    current_address = current_address_node()
    reason = reason_node(_("Needed for unusual values."))
