"""The form of a dose, in the order of the paper questionnaire (予診票), and what becomes of its values."""

import re
from collections.abc import Mapping
from typing import Any

import colander
import deform

from yvaxportal.forms.base import (
    PortalSchema,
    choice_node,
    date_node,
    digits_node,
    integer_node,
    one_of_choices,
    text_node,
)
from yvaxportal.forms.details.common import reason_node, revision_node
from yvaxportal.forms.labels import choices
from yvaxportal.models.codes import (
    DeliveryCategory,
    DoseCategory,
    IdentityCheckMethod,
    IdentityDocument,
    IneligibilityJudgement,
    Judgement,
    PneumococcalType,
    VaccinationStatus,
)
from yvaxportal.services.dose_draft import DoseDraft
from yvaxportal.services.institutions import code_digits
from yvaxportal.values.text import _
from yvaxportal.values.width import fold_width

#: Where a page says that a personal number was typed and erased.
REFUSED_ID = "dose-number-refused"

_GREATEST_NUMBER = 99
_GREATEST_FEE = 999_999
_NAME_LENGTH = 100
_HIDDEN = re.compile(r"[0-9a-z.-]{0,400}\Z")
_CODES: Mapping[str, type] = {
    "judgement": Judgement,
    "dose_category": DoseCategory,
    "delivery_category": DeliveryCategory,
    "ineligibility_judgement": IneligibilityJudgement,
    "pneumococcal_type": PneumococcalType,
    "vaccination_status": VaccinationStatus,
    "identity_method": IdentityCheckMethod,
    "identity_document": IdentityDocument,
}
_BESIDE = frozenset({"seen", "submission", "accepted", "alert_reason", "reason", "revision"})


def _spanning(columns: int, node: colander.SchemaNode, css: str = "") -> colander.SchemaNode:
    """Set how many of the twelve columns a field takes, and guard free text against personal numbers."""
    node.widget.item_css_class = f"span-{columns} {css}".strip()
    if isinstance(node.widget, deform.widget.TextInputWidget | deform.widget.TextAreaWidget):
        attributes = getattr(node.widget, "attributes", None) or {}
        node.widget.attributes = {**attributes, "data-refuse-personal-number": REFUSED_ID}
    return node


def _hidden_node(name: str) -> colander.SchemaNode:
    return colander.SchemaNode(
        colander.String(),
        name=name,
        title=name,
        missing="",
        widget=deform.widget.HiddenWidget(),
        validator=colander.Regex(_HIDDEN, _("The form did not arrive whole. Open the page again.")),
    )


def _covid_node(columns: int, node: colander.SchemaNode) -> colander.SchemaNode:
    return _spanning(columns, node, "covid-item")


class DoseSchema(PortalSchema):
    """One dose (record items of the three dose groups) with the identity check (M01).

    Bind with ``vaccines`` (groups of code and name, see ``vaccine_widget``), ``lookup_url``,
    ``lookup_empty``, ``place`` (the name that a typed code has, or empty) and ``with_reason`` (alerts were
    found: ask for the reason).
    """

    seen = _hidden_node("seen")
    submission = _hidden_node("submission")
    accepted = _hidden_node("accepted")
    vaccine = _spanning(4, choice_node("vaccine", _("Vaccine"), ()))
    given_on = _spanning(5, date_node("given_on", _("Date given")))
    dose_number = _spanning(
        3, integer_node("dose_number", _("Dose number"), minimum=1, maximum=_GREATEST_NUMBER)
    )
    judgement = _spanning(12, choice_node("judgement", _("Judgement"), choices(Judgement), as_radio=True))
    medical_institution = _spanning(
        5,
        text_node(
            "medical_institution",
            _("Medical institution"),
            max_length=_NAME_LENGTH,
            required=False,
            description=_("Ten-digit code, or a part of the name"),
        ),
    )
    physician = _spanning(4, text_node("physician", _("Physician"), max_length=_NAME_LENGTH, required=False))
    lot_number = _spanning(3, text_node("lot_number", _("Lot number"), max_length=30, required=False))
    fee = _spanning(
        3,
        integer_node("fee", _("Fee"), minimum=0, maximum=_GREATEST_FEE, required=False, unit=_("yen")),
    )
    dose_category = _spanning(3, choice_node("dose_category", _("Dose category"), choices(DoseCategory)))
    delivery_category = _spanning(
        3,
        choice_node("delivery_category", _("Delivery category"), choices(DeliveryCategory), required=False),
    )
    pneumococcal_type = _spanning(
        3,
        choice_node(
            "pneumococcal_type",
            _("Pneumococcal type"),
            choices(PneumococcalType),
            required=False,
            description=_("Left open, it follows from the vaccine."),
        ),
        "pneumococcal-item",
    )
    remarks = _spanning(
        8, text_node("remarks", _("Special remarks"), max_length=1000, required=False, lines=2)
    )
    ineligibility_judgement = _spanning(
        4,
        choice_node(
            "ineligibility_judgement",
            _("Ineligibility judgement"),
            choices(IneligibilityJudgement),
            required=False,
        ),
    )
    municipality_code = _covid_node(
        3, digits_node("municipality_code", _("Municipality code"), length=6, required=False)
    )
    ticket_number = _covid_node(
        3, digits_node("ticket_number", _("Ticket number"), length=10, required=False)
    )
    vaccination_status = _covid_node(
        3,
        choice_node(
            "vaccination_status", _("Vaccination status"), choices(VaccinationStatus), required=False
        ),
    )
    manufacturer = _covid_node(
        3, text_node("manufacturer", _("Manufacturer"), max_length=_NAME_LENGTH, required=False)
    )
    vaccine_kind = _covid_node(
        3,
        text_node(
            "vaccine_kind",
            _("Kind of vaccine"),
            max_length=_NAME_LENGTH,
            required=False,
            description=_("Only when a certificate needs it"),
        ),
    )
    product_name = _covid_node(
        9,
        text_node(
            "product_name",
            _("Product name"),
            max_length=_NAME_LENGTH,
            required=False,
            description=_("Only when a certificate needs it"),
        ),
    )
    identity_method = _spanning(
        4, choice_node("identity_method", _("Identity checked"), choices(IdentityCheckMethod))
    )
    identity_document = _spanning(
        4, choice_node("identity_document", _("Document seen"), choices(IdentityDocument))
    )

    def after_bind(self, node: colander.SchemaNode, kw: Mapping[str, Any]) -> None:
        """Offer the vaccines of the catalogue, the look-up, and the reason where one is asked for."""
        vaccine = node["vaccine"]
        vaccine.widget = kw["vaccines"]
        vaccine.validator = one_of_choices(_flat(kw["vaccines"].values))
        place = node["medical_institution"].widget
        node["medical_institution"].widget = deform.widget.TextInputWidget(
            item_css_class=place.item_css_class,
            input_append=kw["place"] or "\N{NO-BREAK SPACE}",
            attributes={
                **place.attributes,
                "data-lookup-url": kw["lookup_url"],
                "data-lookup-empty": kw["lookup_empty"],
                "data-lookup-label": "unit-dose-medical_institution",
            },
        )
        if kw["with_reason"]:
            reason = text_node(
                "alert_reason", _("Reason for saving all the same"), max_length=500, required=False
            )
            node.add_before("vaccine", _spanning(12, reason))


class CorrectDoseSchema(DoseSchema):
    """A dose that is corrected: from which revision, and why."""

    revision = revision_node()
    reason = _spanning(
        12,
        reason_node(_("Why the record is changed. It is kept with the revision."), required=True),
    )


class CancelDoseSchema(PortalSchema):
    """Why a dose is cancelled."""

    revision = revision_node()
    reason = _spanning(
        12, reason_node(_("The dose stays on record with this reason and counts no more."), required=True)
    )


def vaccine_widget(
    groups: Mapping[str, list[tuple[str, str]]], attributes: Mapping[str, str]
) -> deform.widget.SelectWidget:
    """Return the choice of vaccines by series; the page's script chooses by what is typed of a code."""
    widget = deform.widget.SelectWidget(
        values=(
            ("", _("(choose)")),
            *(deform.widget.OptGroup(series, *vaccines) for series, vaccines in groups.items()),
        ),
        item_css_class="span-4",
    )
    widget.attributes = dict(attributes)
    return widget


def _flat(values: Any) -> list[tuple[str, str]]:
    return [pair for item in values if isinstance(item, deform.widget.OptGroup) for pair in item.options]


def draft_of(values: Mapping[str, Any]) -> DoseDraft:
    """Return the draft that a valid form means.

    What was typed as institution is a code when it is made of digits, else a name. Lot numbers are kept in
    narrow capitals without spaces, as they are printed.
    """
    items = {name: value for name, value in values.items() if name not in _BESIDE}
    institution = items.pop("medical_institution")
    code = code_digits(institution) if institution else None
    lot = items.pop("lot_number")
    for name, kind in _CODES.items():
        items[name] = kind(items[name]) if items[name] is not None else None
    return DoseDraft(
        institution_code=code,
        institution_name=institution if code is None else None,
        lot_number="".join(fold_width(lot).upper().split()) if lot else None,
        **items,
    )


def appstruct_of(draft: DoseDraft) -> dict[str, Any]:
    """Return the values that a form starts from, so that ``draft_of`` gives the draft again."""
    items = {name: getattr(draft, name) for name in DoseDraft.__dataclass_fields__}
    code, name = items.pop("institution_code"), items.pop("institution_name")
    items["medical_institution"] = code or name
    return {
        name: colander.null if value is None else getattr(value, "value", value)
        for name, value in items.items()
    }
