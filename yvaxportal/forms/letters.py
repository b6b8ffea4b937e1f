"""Forms of letters: asking for a run, releasing a held letter, what became of printed ones."""

from collections.abc import Sequence

import colander
import deform

from yvaxportal.forms.base import (
    PortalSchema,
    choice_node,
    date_node,
    integer_node,
    text_node,
)
from yvaxportal.forms.labels import choices
from yvaxportal.models.codes import LetterKind
from yvaxportal.request import PortalRequest
from yvaxportal.services.letters.reasons import Spoiled
from yvaxportal.values.text import _

SPOILED = {
    Spoiled.MISPRINT: _("Printed wrongly"),
    Spoiled.DAMAGED: _("Paper damaged"),
    Spoiled.WITHDRAWN: _("Taken out for good"),
    Spoiled.OTHER: _("Other reason"),
}
#: 予診のみ and 接種: the first digit of a ticket's line.
TICKET_KINDS = (("2", _("Vaccination (2)")), ("1", _("Examination only (1)")))
FILES = (("one", _("One PDF for all")), ("bundles", _("One PDF for each bundle")))
_MOST_LETTERS = 9_999_999


def new_run_schema(request: PortalRequest, kinds: Sequence[LetterKind]) -> PortalSchema:
    """Return the form that asks for a run of one of ``kinds``."""
    schema = PortalSchema()
    labels = dict(choices(LetterKind))
    schema.add(
        choice_node(
            "kind", _("Kind of letter"), [(kind.value, labels[kind.value]) for kind in kinds], as_radio=True
        )
    )
    schema.add(
        text_node(
            "title",
            _("Heading of the letters"),
            max_length=40,
            min_length=2,
            description=_("Stands on every letter and in the register of files."),
        )
    )
    schema.add(date_node("printed_for", _("Day on the letters")))
    schema.add(date_node("until", _("Last day of the vaccination")))
    schema.add(text_node("place", _("Where to be vaccinated"), max_length=80))
    schema.add(text_node("fee", _("Fee on the letters"), max_length=60))
    schema.add(
        text_node(
            "bring",
            _("What to bring along"),
            max_length=100,
            required=False,
            description=_("On tickets only."),
        )
    )
    schema.add(text_node("note", _("Further words"), max_length=400, required=False, lines=3))
    schema.add(choice_node("ticket_kind", _("Ticket kind"), TICKET_KINDS))
    schema.add(choice_node("files", _("Files in the archive"), FILES))
    schema.add(_purpose())
    bound: PortalSchema = schema.bind(request=request, today=request.today)
    return bound


def supplement_schema(request: PortalRequest) -> PortalSchema:
    """Return the form that asks for the letters that a run held or that were spoiled."""
    schema = PortalSchema()
    schema.add(date_node("printed_for", _("Day on the letters")))
    schema.add(_purpose())
    bound: PortalSchema = schema.bind(request=request, today=request.today)
    return bound


def reissue_schema(request: PortalRequest) -> PortalSchema:
    """Return the form that voids a ticket and issues another."""
    schema = PortalSchema()
    schema.add(
        text_node(
            "reason",
            _("Why the ticket is issued anew"),
            max_length=200,
            min_length=2,
            description=_("The earlier ticket is void at once; the new one has another number."),
        )
    )
    schema.add(date_node("until", _("Last day of the vaccination")))
    bound: PortalSchema = schema.bind(request=request, today=request.today)
    return bound


def sent_schema(request: PortalRequest) -> PortalSchema:
    """Return the form that says which letters of the pile were posted."""
    schema = PortalSchema()
    _add_range(schema)
    bound: PortalSchema = schema.bind(request=request)
    return bound


def spoiled_schema(request: PortalRequest) -> PortalSchema:
    """Return the form that says which letters are not sent, and why."""
    schema = PortalSchema()
    _add_range(schema)
    schema.add(
        choice_node("reason", _("Reason"), [(reason.value, label) for reason, label in SPOILED.items()])
    )
    schema.add(text_node("detail", _("In words"), max_length=200, required=False))
    bound: PortalSchema = schema.bind(request=request)
    return bound


def release_schema(request: PortalRequest) -> PortalSchema:
    """Return the form that releases one held letter."""
    schema = PortalSchema()
    schema.add(
        colander.SchemaNode(
            colander.Integer(), name="resident", widget=deform.widget.HiddenWidget(), title=_("Resident")
        )
    )
    schema.add(text_node("reason", _("Why it may be printed"), max_length=200, min_length=2))
    bound: PortalSchema = schema.bind(request=request)
    return bound


def _add_range(schema: PortalSchema) -> None:
    for name, title in (("first", _("From sequence number")), ("last", _("To sequence number"))):
        schema.add(integer_node(name, title, minimum=1, maximum=_MOST_LETTERS))


def _purpose() -> colander.SchemaNode:
    return text_node(
        "purpose",
        _("Purpose of taking it out"),
        max_length=300,
        min_length=2,
        description=_("What it is used for, and who receives it. Whoever approves decides by this."),
    )
