"""Words of fees."""

from translationstring import TranslationString

from yvaxportal.services.fees.claims import Fault
from yvaxportal.values.text import _

FAULTS: dict[Fault, TranslationString] = {
    Fault.MISSING: _("No fee recorded"),
    Fault.DIFFERS: _("Differs from the tariff"),
    Fault.NO_PRICE: _("No price in the tariff"),
}
NO_MONTH = _("There is no such month. Choose one from the list.")
