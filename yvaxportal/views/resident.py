"""The page about one resident: who, what was given, what is due, and what may be done."""

from datetime import timedelta
from functools import cached_property
from typing import Any

from pyramid.view import view_config

from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import ResidentCategory
from yvaxportal.request import PortalRequest
from yvaxportal.resources import Resident
from yvaxportal.security.permissions import Permission
from yvaxportal.services.person_sheet import Part, PersonSheet, person_sheet
from yvaxportal.services.resident_page import latest_of_each, support_measure_until
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.doses.after import after_save
from yvaxportal.views.parts import parts_of
from yvaxportal.views.resident_doses import DosePanel
from yvaxportal.views.wording import Wording

STALE_AFTER = timedelta(days=31)
#: What there may be about another number, and where that leads.
OTHER_NUMBERS = {
    "pair": _("May be the same person as another number"),
    "from": _("Another number was merged into this one"),
    "remarks": _("Another number was merged into this one; it has remarks of its own"),
    "into": _("How it was merged"),
}
_PARTS = {
    Part.CONTACT: (Permission.CONTACT_VIEW, "contact"),
    Part.NOTE: (Permission.NOTE_VIEW, "notes"),
    Part.ELIGIBILITY: (Permission.ELIGIBILITY_VIEW, "eligibility"),
    Part.DOSES: (Permission.DOSE_VIEW, "doses"),
    Part.TICKETS: (Permission.TICKET_VIEW, "tickets"),
}


class ResidentPage:
    """One resident; each panel is there only for those who may see it."""

    def __init__(self, context: Resident, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.resident = context.resident
        self.words = Wording(request)
        self.base = request.resource_path(context)

    def _may(self, permission: Permission, part: str) -> bool:
        return bool(self.request.has_permission(permission, self.context[part]))

    @cached_property
    def _seen(self) -> frozenset[Part]:
        """Which parts the reader may see."""
        return frozenset(part for part, (permission, node) in _PARTS.items() if self._may(permission, node))

    @cached_property
    def _sheet(self) -> PersonSheet:
        """What is known about the person, as far as the reader may see it or what is due follows from it."""
        asked = {*self._seen, Part.HOUSEHOLD, Part.NUMBERS}
        if Part.DOSES in asked:
            asked |= {Part.CIRCUMSTANCES, Part.ELIGIBILITY}
        return person_sheet(self.request.db, self.resident, asked, self.request.today)

    @view_config(
        context=Resident,
        request_method="GET",
        permission=Permission.RESIDENT_VIEW,
        renderer="yvaxportal:templates/residents/resident.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show the page and record that it was seen."""
        request, resident = self.request, self.resident
        request.audit.record(Action.RESIDENT_VIEWED, resident_id=resident.id)
        merged = self._merged()
        return {
            "base": self.base,
            "resident": resident,
            "who": self._who(),
            "category_badge": self._category_badge(),
            "protected_until": self._protected_until(),
            "merged": merged,
            "numbers": self._numbers(),
            "register_as_of": format_jst(resident.register_as_of),
            "may_read_number": self._may(Permission.PERSONAL_NUMBER_READ, "personal-number"),
            "may_record": merged is None and self._may(Permission.DOSE_RECORD, "doses"),
            "parts": parts_of(request, self.context),
            "after_save": after_save(request, self.context),
            "household": self._household(),
            "invited": resident.resident_category is ResidentCategory.RESIDENT,
            "tickets": self._tickets(),
            **self._doses(),
            **self._contact(),
            **self._eligibility(),
            **self._note(),
        }

    def _who(self) -> dict[str, Any]:
        resident, words = self.resident, self.words
        birth = words.birth(resident.date_of_birth_written, foreign=resident.is_foreign_national)
        facts = [
            {"label": words.say(_("Date of birth")), "value": birth, "private": True},
            {
                "label": words.say(_("Age")),
                "value": words.resident_age(resident) or words.say(_("not known")),
            },
            {"label": words.say(_("Sex")), "value": words.code(resident.sex)},
            {"label": words.say(_("Atena number")), "value": resident.atena_number, "private": True},
        ]
        if resident.relationship_to_head and not resident.support_measure_flag:
            facts.append({"label": words.say(_("Relationship")), "value": resident.relationship_to_head})
        others = [
            (_("Alias"), resident.alias_name),
            (_("Alphabetic name"), resident.name_alphabet),
            (_("Former name"), resident.former_name),
        ]
        facts += [
            {"label": words.say(title), "value": value, "private": True} for title, value in others if value
        ]
        return {"name": resident.name, "kana": resident.name_kana, "facts": facts}

    def _category_badge(self) -> str | None:
        resident, words = self.resident, self.words
        if resident.resident_category is ResidentCategory.RESIDENT:
            return None
        return f"{words.code(resident.resident_category)} {words.day(resident.ceased_resident_on)}".strip()

    def _merged(self) -> dict[str, str] | None:
        """Return where the records of a number are that was merged into another."""
        number = next((one.number for one in self._sheet.numbers if one.kind == "into"), None)
        if number is None:
            return None
        return {
            "number": number,
            "url": self.request.resource_path(self.context.__parent__, number, ""),
        }

    def _numbers(self) -> list[dict[str, str]]:
        """Return what there is about other numbers of this person, for those who decide about doubles."""
        request = self.request
        if Permission.DOUBLE_VIEW not in request.own_permissions:
            return []
        doubles = request.root["doubles"]
        found = []
        for one in self._sheet.numbers:
            text = OTHER_NUMBERS["remarks" if one.remarks else one.kind]
            place = (str(one.id), "") if one.kind == "pair" else ("merges", str(one.id), "")
            found.append(
                {
                    "text": self.words.say(text),
                    "number": one.number,
                    "url": request.resource_path(doubles, *place),
                }
            )
        return found

    def _protected_until(self) -> str | None:
        if not self.resident.support_measure_flag:
            return None
        until = support_measure_until(self.request.db, self.resident.id)
        return self.words.day(until) if until else None

    def _household(self) -> list[dict[str, str]]:
        return [
            {
                "url": self.request.resource_path(self.context.__parent__, member.atena_number, ""),
                "name": member.name,
                "note": member.relationship_to_head or "",
            }
            for member in self._sheet.household
        ]

    def _tickets(self) -> list[dict[str, Any]]:
        if Part.TICKETS not in self._seen:
            return []
        words = self.words
        return [
            {
                "day": words.day(ticket.issued_on),
                "vaccine": words.vaccine(ticket.vaccine),
                "number": ticket.dose_number,
                "municipality": ticket.municipality_code,
                "ticket_number": ticket.ticket_number,
                "state": words.code(ticket.state),
            }
            for ticket in self._sheet.tickets
        ]

    def _doses(self) -> dict[str, Any]:
        if Part.DOSES not in self._seen:
            return {"sees_doses": False, "doses": [], "due_items": [], "due_groups": [], "figure": None}
        return DosePanel(self.context, self.request, self._sheet).show()

    def _contact(self) -> dict[str, Any]:
        words = self.words
        if Part.CONTACT not in self._seen:
            why = (
                _("Support measure") if self.resident.support_measure_flag else _("Not shown to your groups")
            )
            hidden = words.say(why)
            titles = (_("Current address"), _("School district"), _("Phone number"))
            return {
                "sees_contact": False,
                "contact_entries": [
                    {"label": words.say(title), "value": None, "masked": hidden} for title in titles
                ],
            }
        if self.resident.support_measure_flag:
            self.request.audit.record(Action.CONTACT_VIEWED, resident_id=self.resident.id)
        contact = self._sheet.contact
        if contact is None:
            return {"sees_contact": True, "contact_entries": []}
        schools = [contact.elementary_school_district, contact.junior_high_school_district]
        postal = contact.postal_code or ""
        entries = [
            (_("Postal code"), f"{postal[:3]}-{postal[3:]}" if postal else None),
            (_("Current address"), contact.current_address),
            (_("Neighbourhood association"), contact.neighbourhood_association),
            (_("School district"), " / ".join(school for school in schools if school)),
            (_("Phone number"), contact.phone_number),
        ]
        if contact.has_mailing_address:
            entries.append((_("Mailing address"), contact.mailing_address))
        return {
            "sees_contact": True,
            "contact_entries": [
                {"label": words.say(title), "value": value, "private": True} for title, value in entries
            ],
        }

    def _eligibility(self) -> dict[str, Any]:
        if Part.ELIGIBILITY not in self._seen:
            return {"eligibility_entries": None, "eligibility_as_of": "", "eligibility_stale": False}
        rows = latest_of_each(self._sheet.eligibility)
        words = self.words
        oldest = min((row.as_of for row in rows), default=None)
        return {
            "eligibility_entries": [
                {
                    "label": words.code(row.kind),
                    "value": f"{words.code(row.state)} {row.detail or ''}".strip(),
                    "private": True,
                }
                for row in rows
            ],
            "eligibility_as_of": format_jst(oldest) if oldest else "",
            "eligibility_stale": oldest is not None and self.request.now - oldest > STALE_AFTER,
        }

    def _note(self) -> dict[str, Any]:
        if Part.NOTE not in self._seen:
            return {"note_entries": None}
        note = self._sheet.note
        texts = [
            (_("Personal remarks"), note.personal_remarks if note else None),
            (_("Follow-up"), note.follow_up if note else None),
        ]
        return {
            "note_entries": [
                {"label": self.words.say(title), "value": text, "private": True} for title, text in texts
            ],
        }
