"""What form templates ask about a deform field: its messages, its hints, what describes it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import colander
import deform

from yvaxportal.values.text import _

_GROUPS = frozenset({"radio_choice", "checkbox_choice"})


class Problem(NamedTuple):
    """One line of the summary above a form that could not be saved."""

    anchor: str | None
    """The id of the control to go to; None when the form as a whole is meant."""
    title: str
    text: str


def leaves(field: deform.Field) -> Iterator[deform.Field]:
    """Yield the fields that hold one value, in page order; posted rows instead of their prototype."""
    for child in getattr(field, "sequence_fields", None) or field.children:
        if child.widget.category == "structural":
            yield from leaves(child)
        else:
            yield child


def put_message(field: deform.Field, message: str) -> None:
    """Add a message to a field, after those it has."""
    error = field.error or colander.Invalid(field.schema)
    error.msg = [*own_messages(field), message]
    field.error = error


def own_messages(field: deform.Field) -> list[str]:
    """Return the messages about this field itself, not those about fields inside it."""
    return [] if field.error is None else [message for message in field.error.messages() if message]


def form_problems(form: deform.Form) -> list[Problem]:
    """Return the lines of the error summary; an empty list when nothing is wrong."""
    if form.error is None:
        return []
    found = [Problem(None, "", message) for message in own_messages(form)]
    found += _problems_within(form)
    return found or [Problem(None, "", _("Check what you entered."))]


def _problems_within(field: deform.Field) -> Iterator[Problem]:
    for child in getattr(field, "sequence_fields", None) or field.children:
        for message in own_messages(child):
            yield Problem(None if child.widget.hidden else _anchor(child), child.title, message)
        if child.widget.category == "structural":
            yield from _problems_within(child)


def _anchor(field: deform.Field) -> str:
    return f"{field.oid}-0" if is_group(field) else str(field.oid)


def described_by(field: deform.Field) -> str | None:
    """Return the ids of what explains a field (errors first, then unit and hint), for aria-describedby."""
    ids = []
    if own_messages(field):
        ids.append(f"error-{field.oid}")
    if getattr(field.widget, "input_append", None):
        ids.append(f"unit-{field.oid}")
    if field.description:
        ids.append(f"help-{field.oid}")
    extra = (getattr(field.widget, "attributes", None) or {}).get("data-described-by")
    return " ".join([*ids, extra] if extra else ids) or None


def is_group(field: deform.Field) -> bool:
    """Tell whether a field is drawn as several boxes under one label."""
    return field.widget.template in _GROUPS


def is_flag(field: deform.Field) -> bool:
    """Tell whether a field is one box that carries its own label."""
    return bool(field.widget.template == "checkbox")


def quick_dates(field: deform.Field) -> list[tuple[str, str]]:
    """Return (label, value) of the buttons that fill a date; none unless bound with ``today``."""
    today = (getattr(field.schema, "bindings", None) or {}).get("today")
    if not isinstance(today, date) or not getattr(field.widget, "quick", True):
        return []
    return [(_("Today"), today.isoformat()), (_("Yesterday"), (today - timedelta(days=1)).isoformat())]


def chosen_labels(
    field: deform.Field,
    values: Iterable[tuple[str, str] | deform.widget.OptGroup],
    cstruct: str | Sequence[str],
) -> list[str]:
    """Return the labels of the choices that are taken, for a form that is only read."""
    groups = getattr(field.widget, "optgroup_class", deform.widget.OptGroup)
    pairs: list[tuple[str, str]] = []
    for item in values:
        pairs += item.options if isinstance(item, groups) else [item]
    taken = {cstruct} if isinstance(cstruct, str) else set(cstruct)
    return [label for value, label in pairs if value and value in taken]


TEMPLATE_HELPERS: Mapping[str, object] = {
    helper.__name__: helper
    for helper in (own_messages, form_problems, described_by, is_group, is_flag, quick_dates, chosen_labels)
}
