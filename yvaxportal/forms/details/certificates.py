"""COVID-19 vaccination certificates (record items covid19 13 to 15), after an identity check (M01, M07)."""

import re

import colander

from yvaxportal.forms.base import PortalSchema, Validator, choice_node, date_node, text_node
from yvaxportal.forms.details.common import not_after_today, reason_node, spanning
from yvaxportal.forms.labels import choices
from yvaxportal.models.codes import CertificateKind, IdentityCheckMethod, IdentityDocument
from yvaxportal.values.text import _

NAME_LENGTH = 100
_CERTIFICATE_ID = re.compile("[0-9A-Za-z][0-9A-Za-z:/-]{0,39}")
_ROMAN_NAME = re.compile("[A-Za-z][A-Za-z ,.'-]*")
# Machine-readable travel documents (ICAO Doc 9303): capital letters and digits, nine at most.
_PASSPORT_NUMBER = re.compile("[A-Z0-9]{5,9}")
_FOR_TRAVEL = ("roman_name", "nationality", "passport_number")
PASSPORT_FIELDS = ("former_surname", "other_surname", "other_name", *_FOR_TRAVEL)


def _matches(pattern: re.Pattern[str], message: str) -> Validator:
    def check(node: colander.SchemaNode, value: str) -> None:
        if not pattern.fullmatch(value):
            raise colander.Invalid(node, message)

    return check


class CertificateSchema(PortalSchema):
    """An issued certificate; the passport's part only for travel."""

    certificate_id = spanning(
        5,
        text_node(
            "certificate_id",
            _("Certificate id"),
            max_length=40,
            validators=[
                _matches(_CERTIFICATE_ID, _("Letters, digits and : / - only, 40 at most. No spaces.")),
            ],
            description=_("Ids are never used twice, not even those of void certificates."),
        ),
    )
    certificate_issued_on = spanning(
        4,
        date_node(
            "certificate_issued_on",
            _("Certificate issued on"),
            validators=[not_after_today],
        ),
    )
    kind = spanning(3, choice_node("kind", _("Use"), choices(CertificateKind), as_radio=True))
    roman_name = spanning(
        6,
        text_node(
            "roman_name",
            _("Name in the passport (alphabet)"),
            max_length=NAME_LENGTH,
            required=False,
            validators=[_matches(_ROMAN_NAME, _("Write the name in the alphabet, as in the passport."))],
            description=_("This and the following only for travel abroad."),
        ),
    )
    nationality = spanning(
        3, text_node("nationality", _("Nationality or region"), max_length=NAME_LENGTH, required=False)
    )
    passport_number = spanning(
        3,
        text_node(
            "passport_number",
            _("Passport number"),
            max_length=9,
            required=False,
            validators=[_matches(_PASSPORT_NUMBER, _("Capital letters and digits, five to nine of them."))],
        ),
    )
    former_surname = spanning(
        4,
        text_node(
            "former_surname",
            _("Former surname in the passport"),
            max_length=NAME_LENGTH,
            required=False,
        ),
    )
    other_surname = spanning(
        4,
        text_node(
            "other_surname",
            _("Other surname in the passport"),
            max_length=NAME_LENGTH,
            required=False,
        ),
    )
    other_name = spanning(
        4,
        text_node(
            "other_name",
            _("Other name in the passport"),
            max_length=NAME_LENGTH,
            required=False,
        ),
    )
    method = spanning(6, choice_node("method", _("Identity checked"), choices(IdentityCheckMethod)))
    document = spanning(6, choice_node("document", _("Identity document seen"), choices(IdentityDocument)))

    def validator(self, node: colander.SchemaNode, values: dict[str, object]) -> None:
        """Ask for the passport for travel, and refuse its details where no certificate needs them."""
        wrong = colander.Invalid(node)
        if values["kind"] == CertificateKind.TRAVEL:
            for name in _FOR_TRAVEL:
                if not values[name]:
                    wrong[name] = _("A certificate for travel needs this item.")
        else:
            for name in PASSPORT_FIELDS:
                if values[name]:
                    wrong[name] = _("Kept only for certificates for travel. Leave it empty.")
        if wrong.children:
            raise wrong


class VoidCertificateSchema(PortalSchema):
    """Marking a certificate void."""

    reason = reason_node(
        _("For example: name corrected, new certificate issued. It is shown beside the certificate."),
        required=True,
    )
