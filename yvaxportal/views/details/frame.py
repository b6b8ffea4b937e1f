"""What every page below one resident has: who it is about, the way to its neighbours, words for values."""

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from yvaxportal.models.record_items import RecordItem
from yvaxportal.request import PortalRequest
from yvaxportal.resources import Node, Resident
from yvaxportal.security.permissions import Permission
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.parts import parts_of
from yvaxportal.views.wording import Wording

YES, NO = _("Yes"), _("No")


def resident_node(context: Node) -> Resident:
    """Return the resident that a node belongs to. LookupError outside any resident."""
    node: Node | None = context
    while not isinstance(node, Resident):
        if node is None:
            raise LookupError("a page about a resident stands outside any resident")
        node = node.__parent__
    return node


def shown(words: Wording, value: object) -> str:
    """Return a stored value as pages show it; empty for nothing."""
    match value:
        case None:
            return ""
        case bool():
            return words.say(YES if value else NO)
        case StrEnum():
            return words.code(value)
        case datetime():
            return format_jst(value)
        case date():
            return words.day(value)
        case _:
            return str(value)


def postal_code_text(code: str) -> str:
    """Return seven digits as they are written: 683-0823."""
    return f"{code[:3]}-{code[3:]}"


class DetailPage:
    """Base of the pages about one part of a resident.

    ``part`` is the key of the link that stands for the page in the row of links.
    """

    part = ""

    def __init__(self, context: Node, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.node = resident_node(context)
        self.resident = self.node.resident
        self.words = Wording(request)
        self.url: str = request.resource_path(context)

    def may(self, permission: Permission) -> bool:
        """Tell whether the reader holds a permission at this page's place."""
        return bool(self.request.has_permission(permission, self.context))

    def page(self, title: str, **values: Any) -> dict[str, Any]:
        """Return what the template needs beside ``values``."""
        request, words = self.request, self.words
        return {
            "title": words.say(title),
            "resident": self.resident,
            "who": self._who(),
            "parts": parts_of(request, self.node, self.part),
            "url": self.url,
            "base": request.resource_path(self.node),
            **values,
        }

    def entries(self, items: Iterable[RecordItem], row: object | None) -> list[dict[str, Any]]:
        """Return label and value of each column of ``items``, for the ``facts`` macro."""
        return [
            {
                "label": self.words.say(label),
                "value": self.value_of(column, getattr(row, column, None)),
                "private": True,
            }
            for item in items
            for column, label in item.columns
        ]

    def value_of(self, column: str, value: object) -> str:
        """Return what one column holds as it is shown."""
        if column == "date_of_birth_written" and value:
            return self.words.birth(str(value), foreign=self.resident.is_foreign_national)
        if column == "postal_code" and value:
            return postal_code_text(str(value))
        return shown(self.words, value)

    def _who(self) -> dict[str, Any]:
        resident, words = self.resident, self.words
        birth = words.birth(resident.date_of_birth_written, foreign=resident.is_foreign_national)
        return {
            "name": resident.name,
            "kana": resident.name_kana,
            "facts": [
                {"label": words.say(_("Date of birth")), "value": birth, "private": True},
                {
                    "label": words.say(_("Age")),
                    "value": words.resident_age(resident) or words.say(_("not known")),
                },
                {"label": words.say(_("Sex")), "value": words.code(resident.sex)},
                {"label": words.say(_("Atena number")), "value": resident.atena_number, "private": True},
            ],
        }
