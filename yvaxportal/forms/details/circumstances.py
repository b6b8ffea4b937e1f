"""The forms about special circumstances: one entered, one taken back."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import colander

from yvaxportal.forms.base import PortalSchema, choice_node, date_node, text_node
from yvaxportal.forms.details.common import not_after_today, reason_node, spanning
from yvaxportal.forms.labels import choices
from yvaxportal.models.codes import CircumstanceKind as Kind
from yvaxportal.values.text import _

Choices = Sequence[tuple[str, str]]

DISEASES = {
    "diphtheria": _("Diphtheria"),
    "pertussis": _("Pertussis"),
    "tetanus": _("Tetanus"),
    "polio": _("Polio"),
    "hib": _("Hib infection"),
    "pneumococcal": _("Pneumococcal infection"),
    "tuberculosis": _("Tuberculosis"),
    "measles": _("Measles"),
    "rubella": _("Rubella"),
    "varicella": _("Varicella"),
    "japanese_encephalitis": _("Japanese encephalitis"),
    "hepatitis_b": _("Hepatitis B"),
    "hpv": _("Human papillomavirus infection"),
    "rotavirus": _("Rotavirus gastroenteritis"),
    "influenza": _("Influenza"),
    "covid19": _("COVID-19"),
    "shingles": _("Shingles"),
    "intussusception": _("Intussusception"),
}
ORGANS = {
    "heart": _("Heart"),
    "kidney": _("Kidney"),
    "respiratory": _("Respiratory organs"),
    "hiv": _("Immunity (HIV)"),
}
CONDITIONS = {
    "keloid": _("Keloid"),
    "intussusception": _("Risk of intussusception"),
    "scid": _("Severe combined immunodeficiency"),
}
#: Which of the choices a kind is about; the others stay empty.
SUBJECT_OF: Mapping[Kind, str | None] = {
    Kind.DISEASE_HISTORY: "disease",
    Kind.RISK_GROUP: "organ",
    Kind.LONG_ILLNESS: "programme",
    Kind.PREGNANCY: None,
    Kind.ANTIBODY_LOW: "disease",
    Kind.CONTRAINDICATION: "programme",
    Kind.HBV_MOTHER: None,
    Kind.NO_INVITATION: None,
}
_SUBJECT_NEEDED = frozenset({Kind.DISEASE_HISTORY, Kind.RISK_GROUP, Kind.ANTIBODY_LOW})
_SUBJECTS = ("disease", "organ", "programme")


class CircumstanceSchema(PortalSchema):
    """A circumstance; bind it with ``programmes``, codes and names of programmes and conditions."""

    kind = spanning(6, choice_node("kind", _("Kind"), choices(Kind)))
    disease = spanning(
        6,
        choice_node(
            "disease",
            _("Disease"),
            list(DISEASES.items()),
            required=False,
            description=_("For a disease had, and for a low antibody."),
        ),
    )
    organ = spanning(
        6,
        choice_node(
            "organ",
            _("Risk group"),
            list(ORGANS.items()),
            required=False,
            description=_("Aged 60 to 64, as severe as grade 1 of the disability certificate."),
        ),
    )

    def after_bind(self, _node: colander.SchemaNode, bindings: Mapping[str, Any]) -> None:
        """Add what depends on the programme in force, and what comes after it."""
        for node in (
            spanning(
                6,
                choice_node(
                    "programme",
                    _("Programme or condition"),
                    bindings["programmes"],
                    required=False,
                    description=_("For a long illness or a contraindication; empty: all programmes."),
                ),
            ),
            spanning(
                4,
                date_node(
                    "starts_on",
                    _("First day"),
                    required=False,
                    description=_("Disease: when it was had. Antibody: the day of the test."),
                ),
            ),
            spanning(
                4,
                date_node(
                    "ends_on",
                    _("Last day"),
                    required=False,
                    description=_(
                        "Pregnancy: the expected delivery. Long illness: the day its reason ended; "
                        "empty while it goes on."
                    ),
                ),
            ),
            spanning(
                4,
                text_node(
                    "detail",
                    _("Details"),
                    max_length=200,
                    required=False,
                    description=_("For example the doctor's opinion and its day."),
                ),
            ),
            reason_node(_("What this entry rests on, for example a paper that was shown."), required=True),
        ):
            if node.name not in self:
                self.add(node.bind(**bindings))

    def validator(self, node: colander.SchemaNode, values: dict[str, Any]) -> None:
        """Refuse what does not go with the kind, a missing day, and a period that ends before it begins."""
        wrong = colander.Invalid(node)
        kind = Kind(values["kind"])
        wanted = SUBJECT_OF[kind]
        for name in _SUBJECTS:
            if values[name] and name != wanted:
                wrong[name] = _("This does not go with the kind. Leave it empty.")
        if kind in _SUBJECT_NEEDED and wanted and not values[wanted]:
            wrong[wanted] = _("Enter this item.")
        first, last = values["starts_on"], values["ends_on"]
        if kind is Kind.PREGNANCY and last is None:
            wrong["ends_on"] = _("Enter the expected delivery date.")
        if kind in {Kind.DISEASE_HISTORY, Kind.ANTIBODY_LOW} and isinstance(first, date):
            _not_in_future(wrong, node["starts_on"], first)
        if isinstance(first, date) and isinstance(last, date) and last < first:
            wrong["ends_on"] = _("The last day is before the first day.")
        if wrong.children:
            raise wrong


class TakeBackSchema(PortalSchema):
    """Taking a circumstance back."""

    reason = reason_node(required=True)


def subject_of(values: Mapping[str, Any]) -> str:
    """Return the subject that a validated form names, empty where the kind says it all."""
    name = SUBJECT_OF[Kind(values["kind"])]
    return (values[name] or "") if name else ""


def _not_in_future(wrong: colander.Invalid, node: colander.SchemaNode, day: date) -> None:
    try:
        not_after_today(node, day)
    except colander.Invalid as error:
        wrong[node.name] = error.msg
