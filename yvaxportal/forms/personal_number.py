"""Forms of the vault. A typed number is never shown again, whatever else was wrong with the form."""

from collections.abc import Mapping

import colander
import deform

from yvaxportal.forms.base import PortalSchema, choice_node, length_between, text_node
from yvaxportal.request import PortalRequest
from yvaxportal.values.text import _
from yvaxportal.vault.purposes import CASE_LENGTH, Purpose

NUMBER_LENGTH = 40  # twelve digits, however they were spaced
NUMBER_FAULTS = {
    "length": _("A personal number has twelve digits."),
    "characters": _("A personal number has digits only."),
    "same_digit": _("Twelve times the same digit is no personal number."),
    "check_digit": _("The check digit does not fit: a digit was mistyped."),
}


class NumberWidget(deform.widget.TextInputWidget):
    """A text field that is always drawn empty."""

    def serialize(self, field: deform.Field, cstruct: object, **kw: object) -> str:
        """Draw the field without what was typed."""
        del cstruct
        return str(super().serialize(field, colander.null, **kw))


class OnceWidget(deform.widget.HiddenWidget):
    """A hidden field that always carries a fresh token, never the one that came in."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self._token = token

    def serialize(self, field: deform.Field, cstruct: object, **kw: object) -> str:
        """Draw the field with the fresh token."""
        del cstruct
        return str(super().serialize(field, self._token, **kw))


def number_node() -> colander.SchemaNode:
    """Return the field for a number: taken as typed, checked by the vault, never shown again."""
    return colander.SchemaNode(
        colander.String(),
        name="number",
        title=_("Personal number"),
        description=_("Twelve digits; spaces and hyphens are ignored."),
        missing_msg=_("Enter this item."),
        validator=length_between(0, NUMBER_LENGTH),
        widget=NumberWidget(
            css_class="is-code",
            attributes={"autocomplete": "off", "inputmode": "numeric", "spellcheck": "false"},
        ),
    )


def purpose_nodes(purposes: Mapping[str, Purpose], request: PortalRequest) -> list[colander.SchemaNode]:
    """Return the fields that every reading asks for: a purpose in force today, and the case."""
    japanese = request.locale_name == "ja"
    choices = [
        (
            purpose.id,
            f"{purpose.label_ja}（{purpose.legal_basis}）"
            if japanese
            else f"{purpose.label_en} ({purpose.legal_basis})",
        )
        for purpose in purposes.values()
        if purpose.in_force(request.today)
    ]
    return [
        # One below the other: each is a sentence with its legal basis.
        choice_node(
            "purpose",
            _("Purpose"),
            choices,
            widget=deform.widget.RadioChoiceWidget(values=choices, inline=False),
        ),
        text_node(
            "case_reference",
            _("Case reference"),
            max_length=CASE_LENGTH,
            description=_("The number of the application or inquiry that this belongs to."),
        ),
    ]


def read_schema(purposes: Mapping[str, Purpose], request: PortalRequest, token: str) -> PortalSchema:
    """Return the form that asks for a resident's number; ``token`` lets it be sent once."""
    schema = PortalSchema()
    schema.add(
        colander.SchemaNode(
            colander.String(),
            name="once",
            missing="",
            validator=colander.Length(max=len(token)),
            widget=OnceWidget(token),
        )
    )
    for node in purpose_nodes(purposes, request):
        schema.add(node)
    bound: PortalSchema = schema.bind(request=request)
    return bound


def look_up_schema(purposes: Mapping[str, Purpose], request: PortalRequest) -> PortalSchema:
    """Return the form that looks a person up by number."""
    schema = PortalSchema()
    schema.add(number_node())
    for node in purpose_nodes(purposes, request):
        schema.add(node)
    bound: PortalSchema = schema.bind(request=request)
    return bound


def enter_schema(request: PortalRequest) -> PortalSchema:
    """Return the form that registers or replaces a number, with where it was confirmed (Article 16)."""
    schema = PortalSchema()
    schema.add(number_node())
    schema.add(
        choice_node(
            "source",
            _("Confirmed by"),
            [
                ("my_number_card", _("My Number card")),
                ("residence_certificate", _("Certificate of residence with the number")),
                ("resident_register", _("Resident register network")),
            ],
            as_radio=True,
        ),
    )
    bound: PortalSchema = schema.bind(request=request)
    return bound
