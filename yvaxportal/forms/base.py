"""The base of every schema, and nodes that clean and check what staff type.

Optional nodes give None when left empty. Titles, hints and messages are message ids of the catalogue.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

import colander
import deform
from pyramid.csrf import get_csrf_token

from yvaxportal.forms.types import CSRF_FIELD, DateText, Digits, PlainText, StrictMapping, WholeNumber
from yvaxportal.forms.widgets import DateTextWidget
from yvaxportal.values.text import _, contains_personal_number

Validator = Callable[[colander.SchemaNode, Any], None]


@colander.deferred
def _csrf_token(_node: colander.SchemaNode, bindings: dict[str, object]) -> str:
    return str(get_csrf_token(bindings["request"]))


class PortalSchema(colander.Schema):
    """Base of the portal's schemas: carries the CSRF token, refuses unknown fields (measure M02).

    Bind it with ``request``, and with ``today`` (a date) where a date field offers it. The token is checked
    by Pyramid before the view, so it is not among the values that ``deserialize`` gives.
    """

    schema_type = StrictMapping

    csrf_token = colander.SchemaNode(
        colander.String(),
        name=CSRF_FIELD,
        widget=deform.widget.HiddenWidget(),
        default=_csrf_token,
        missing="",
    )

    def deserialize(self, cstruct: object = colander.null) -> object:
        """Return the values without the token."""
        values = super().deserialize(cstruct)
        if isinstance(values, dict):
            values.pop(CSRF_FIELD, None)
        return values


def text_node(
    name: str,
    title: str,
    *,
    max_length: int,
    min_length: int = 0,
    required: bool = True,
    lines: int = 0,
    validators: Iterable[Validator] = (),
    **settings: object,
) -> colander.SchemaNode:
    """Return a node for free text: trimmed, no control characters, no personal number (measure M12).

    Lengths are in characters. ``lines`` above 0 makes a box of that many lines in which line breaks count.
    """
    widget = deform.widget.TextAreaWidget(rows=lines) if lines else deform.widget.TextInputWidget()
    if not lines:
        widget.attributes = {"maxlength": max_length, "autocomplete": "off"}
    return _node(
        PlainText(lines=bool(lines)),
        name,
        title,
        required=required,
        validators=[length_between(min_length, max_length), refuse_personal_number, *validators],
        settings={"widget": widget, **settings},
    )


def date_node(
    name: str,
    title: str,
    *,
    required: bool = True,
    validators: Iterable[Validator] = (),
    **settings: object,
) -> colander.SchemaNode:
    """Return a node for a day in any usual writing (``R8.11.23``, ``20261123``); gives a ``date``."""
    return _node(
        DateText(),
        name,
        title,
        required=required,
        validators=validators,
        settings={"widget": DateTextWidget(), **settings},
    )


def integer_node(
    name: str,
    title: str,
    *,
    minimum: int,
    maximum: int,
    required: bool = True,
    unit: str | None = None,
    **settings: object,
) -> colander.SchemaNode:
    """Return a node for a whole number from ``minimum`` to ``maximum``, in any width, commas allowed."""
    widget = deform.widget.TextInputWidget(
        css_class="is-number", attributes={"inputmode": "numeric", "autocomplete": "off"}, input_append=unit
    )
    return _node(
        WholeNumber(),
        name,
        title,
        required=required,
        validators=[number_between(minimum, maximum)],
        settings={"widget": widget, **settings},
    )


def digits_node(
    name: str,
    title: str,
    *,
    length: int,
    required: bool = True,
    validators: Iterable[Validator] = (),
    **settings: object,
) -> colander.SchemaNode:
    """Return a node for a number of exactly ``length`` digits that is kept as text (codes, bar codes)."""
    widget = deform.widget.TextInputWidget(
        css_class="is-code", attributes={"inputmode": "numeric", "autocomplete": "off", "spellcheck": "false"}
    )
    return _node(
        Digits(length),
        name,
        title,
        required=required,
        validators=validators,
        settings={"widget": widget, **settings},
    )


def choice_node(
    name: str,
    title: str,
    choices: Sequence[tuple[str, str]],
    *,
    required: bool = True,
    as_radio: bool = False,
    nothing: str | None = None,
    **settings: object,
) -> colander.SchemaNode:
    """Return a node for one of ``choices``, pairs of value and label; ``as_radio`` shows all.

    :param nothing: what the empty choice is called, instead of "(choose)" or "(none)".
    """
    if as_radio:
        widget = deform.widget.RadioChoiceWidget(values=tuple(choices), inline=True)
    else:
        widget = deform.widget.SelectWidget(
            values=(("", nothing or (_("(choose)") if required else _("(none)"))), *choices)
        )
    return _node(
        colander.String(),
        name,
        title,
        required=required,
        validators=[one_of_choices(choices)],
        settings={"widget": widget, **settings},
    )


def flag_node(name: str, title: str, **settings: object) -> colander.SchemaNode:
    """Return a node for one box to tick; gives True or False."""
    return colander.SchemaNode(
        colander.Boolean(),
        name=name,
        title=title,
        missing=False,
        default=False,
        **{"widget": deform.widget.CheckboxWidget(), **settings},
    )


def refuse_personal_number(node: colander.SchemaNode, value: str) -> None:
    """Refuse text that holds what must be taken for a personal number (measure M12)."""
    if contains_personal_number(value):
        raise colander.Invalid(
            node, _("A personal number cannot be written here. Remove the 12 digits; they were not kept.")
        )


def length_between(minimum: int, maximum: int) -> Validator:
    """Return a validator of a text's length in characters."""

    def check(node: colander.SchemaNode, value: object) -> None:
        length = len(str(value))
        if length > maximum:
            message = _(
                "Too long: ${length} characters. Shorten it to ${maximum} or fewer.",
                mapping={"length": length, "maximum": maximum},
            )
            raise colander.Invalid(node, message)
        if length < minimum:
            message = _("Too short. Enter ${minimum} characters or more.", mapping={"minimum": minimum})
            raise colander.Invalid(node, message)

    return check


def number_between(minimum: int, maximum: int) -> Validator:
    """Return a validator of a number's size."""

    def check(node: colander.SchemaNode, value: object) -> None:
        if not isinstance(value, int) or not minimum <= value <= maximum:
            message = _(
                "Enter a number from ${minimum} to ${maximum}.",
                mapping={"minimum": minimum, "maximum": maximum},
            )
            raise colander.Invalid(node, message)

    return check


def one_of_choices(choices: Sequence[tuple[str, str]]) -> Validator:
    """Return a validator that takes the values of ``choices`` only and does not repeat what was sent."""
    allowed = frozenset(str(value) for value, _label in choices)

    def check(node: colander.SchemaNode, value: object) -> None:
        if value not in allowed:
            raise colander.Invalid(node, _("Choose one of the list."))

    return check


def day_between(first: date | None, last: date | None) -> Validator:
    """Return a validator of a day; either end may be open."""

    def check(node: colander.SchemaNode, value: object) -> None:
        if not isinstance(value, date):
            raise colander.Invalid(node, _("Enter a date."))
        if first and value < first:
            message = _("Enter a date on or after ${day}.", mapping={"day": first.isoformat()})
            raise colander.Invalid(node, message)
        if last and value > last:
            message = _("Enter a date on or before ${day}.", mapping={"day": last.isoformat()})
            raise colander.Invalid(node, message)

    return check


def _node(
    kind: colander.SchemaType,
    name: str,
    title: str,
    *,
    required: bool,
    validators: Iterable[Validator],
    settings: dict[str, object],
) -> colander.SchemaNode:
    checks = tuple(validators)
    return colander.SchemaNode(
        kind,
        name=name,
        title=title,
        missing=colander.required if required else None,
        missing_msg=_("Enter this item."),
        validator=colander.All(*checks) if checks else None,
        **settings,
    )
