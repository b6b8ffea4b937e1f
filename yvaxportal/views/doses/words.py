"""Doses in words: items, findings, revisions and differences, in the reader's language."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from yvaxportal.forms.dose_messages import ALERT_NAMES, MESSAGES
from yvaxportal.models.codes import DoseState, RecordGroup
from yvaxportal.services.dose_draft import DoseDraft
from yvaxportal.services.dose_findings import DoseAlert, Finding
from yvaxportal.services.dose_history import StoredDose
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.wording import Wording

#: Items of a draft whose field in the form has another name.
FIELD_OF = {
    "institution": "medical_institution",
    "institution_code": "medical_institution",
    "institution_name": "medical_institution",
}
ITEMS: tuple[tuple[str, str], ...] = (
    ("vaccine", _("Vaccine")),
    ("given_on", _("Date given")),
    ("dose_number", _("Dose number")),
    ("judgement", _("Judgement")),
    ("institution_code", _("Code of the medical institution")),
    ("institution_name", _("Medical institution")),
    ("physician", _("Physician")),
    ("lot_number", _("Lot number")),
    ("fee", _("Fee")),
    ("dose_category", _("Dose category")),
    ("delivery_category", _("Delivery category")),
    ("pneumococcal_type", _("Pneumococcal type")),
    ("remarks", _("Special remarks")),
    ("ineligibility_judgement", _("Ineligibility judgement")),
    ("municipality_code", _("Municipality code")),
    ("ticket_number", _("Ticket number")),
    ("vaccination_status", _("Vaccination status")),
    ("manufacturer", _("Manufacturer")),
    ("vaccine_kind", _("Kind of vaccine")),
    ("product_name", _("Product name")),
    ("identity_method", _("Identity checked")),
    ("identity_document", _("Document seen")),
)


_OF_EVERY_GROUP = frozenset(
    {
        "vaccine",
        "given_on",
        "dose_number",
        "judgement",
        "physician",
        "lot_number",
        "fee",
        "dose_category",
        "delivery_category",
        "remarks",
        "identity_method",
        "identity_document",
    }
)


class DoseWords(Wording):
    """Words about doses for one request."""

    def item(self, draft: DoseDraft, name: str) -> str:
        """Return one item of a draft as pages show it; empty for nothing."""
        value = getattr(draft, name)
        match name:
            case "vaccine":
                return self.vaccine(draft.vaccine)
            case "given_on":
                return self.day(draft.given_on)
            case "fee":
                return "" if value is None else self.say(_("${amount} yen", mapping={"amount": f"{value:,}"}))
            case _ if value is None:
                return ""
            case _ if type(value) in {str, int}:
                return str(value)
        return self.code(value)

    def differences(self, first: DoseDraft, second: DoseDraft) -> list[dict[str, str]]:
        """Return label and both values of each item in which two drafts differ."""
        changed = set(first.differences(second))
        return [
            {"label": self.say(label), "first": self.item(first, name), "second": self.item(second, name)}
            for name, label in ITEMS
            if name in changed
        ]

    def problem(self, finding: Finding, anchor: str | None = None) -> dict[str, str]:
        """Return cause and remedy of a finding, for the macros of errors and alerts."""
        cause, remedy = MESSAGES[finding.code]
        facts = {name: self._fact(name, value) for name, value in finding.facts}
        facts["reason"] = facts.get("reason_ja" if self.japanese else "reason_en", "")
        said = facts["reason"] if finding.code is DoseAlert.OUTSIDE_AGE else self._filled(cause, facts)
        problem = {"cause": said, "remedy": self.say(remedy)}
        return {**problem, "anchor": anchor} if anchor else problem

    def alerts(self, codes: Iterable[str]) -> list[str]:
        """Return what accepted alerts are called; their facts were those of the day."""
        return [self.say(ALERT_NAMES[code]) if code in ALERT_NAMES else code for code in codes]

    def facts(self, stored: StoredDose) -> list[dict[str, Any]]:
        """Return every item of a dose for the ``facts`` macro; items of other record groups left out."""
        entries: list[dict[str, Any]] = []

        def add(label: str, value: str) -> None:
            entries.append({"label": self.say(label), "value": value})

        for name, label in ITEMS:
            value = self.item(stored.draft, name)
            if name == "institution_name":
                continue
            if name == "institution_code":
                add(_("Medical institution"), stored.institution or "")
            if value or name in _OF_EVERY_GROUP:
                add(label, value)
            if name == "given_on":
                add(_("Age when given"), self.age_in_months(stored.ages.age_when_given))
                add(
                    _("Age at the end of the fiscal year"),
                    self.age_in_months(stored.ages.age_at_fiscal_year_end),
                )
                if stored.record_group is RecordGroup.ELDERLY:
                    add(_("Age on the reference date"), self.age_in_months(stored.ages.age_on_reference_date))
        if stored.identity_checked_at is not None:
            checked = f"{stored.identity_checked_by} {format_jst(stored.identity_checked_at)}"
            add(_("Identity checked by"), checked)
        add(_("Record group"), self.code(stored.record_group))
        add(_("Source"), self.code(stored.source))
        return entries

    def revisions(self, revisions: Sequence[StoredDose]) -> list[dict[str, Any]]:
        """Return a line for each revision, newest first, with what it changed of the one before."""
        lines = []
        for number, stored in enumerate(revisions):
            before = revisions[number + 1] if number + 1 < len(revisions) else None
            lines.append(
                {
                    "revision": stored.revision,
                    "when": format_jst(stored.changed_at),
                    "who": stored.staff or self.code(stored.source),
                    "deed": self.say(_deed(stored, before)),
                    "kind": "neutral" if stored.state is DoseState.CANCELLED else "ok",
                    "reason": stored.change_reason or "",
                    "alerts": self.alerts(stored.alerts),
                    "alert_reason": stored.alert_reason or "",
                    "changes": self.differences(before.draft, stored.draft) if before else [],
                }
            )
        return lines

    def title(self, draft: DoseDraft) -> str:
        """Return which dose it is in one line."""
        return self.say(
            _(
                "${vaccine}, dose ${number}, ${day}",
                mapping={
                    "vaccine": self.vaccine(draft.vaccine),
                    "number": draft.dose_number,
                    "day": self.day(draft.given_on),
                },
            )
        )

    def _filled(self, message: Any, facts: dict[str, str]) -> str:
        return self.say(message % facts) if facts else self.say(message)

    def _fact(self, name: str, value: str | int | date) -> str:
        if isinstance(value, date):
            return self.day(value)
        if name == "vaccine":
            return self.vaccine(str(value))
        return self.birth(str(value), foreign=False) if name == "born" else str(value)


def _deed(stored: StoredDose, before: StoredDose | None) -> str:
    deed: str = _("Corrected")
    if before is None:
        deed = _("Recorded")
    elif stored.state is DoseState.CANCELLED:
        deed = _("Cancelled")
    return deed
