"""Words of reports: periods, causes of differences, refusals."""

from translationstring import TranslationString

from yvaxportal.services.reports.differences import Cause
from yvaxportal.values.text import _

PARTS: dict[str, TranslationString] = {
    "year": _("Whole year"),
    "h1": _("First half (April to September)"),
    "h2": _("Second half (October to March)"),
}
MONTH = _("Month ${month}")

CAUSES: dict[Cause, TranslationString] = {
    Cause.ADDED: _("Recorded later"),
    Cause.CORRECTED: _("Corrected"),
    Cause.CANCELLED: _("Cancelled"),
    Cause.MERGED: _("Atena numbers were merged or taken apart"),
    Cause.MOVED_IN: _("Became a target (moved in, or the register changed)"),
    Cause.MOVED_OUT: _("Moved out"),
    Cause.DECEASED: _("Died"),
    Cause.PERSON_CHANGED: _("The resident register changed (residence or birth date)"),
    Cause.RULES: _("The definition of the report changed"),
    Cause.REMOVED: _("Removed at the end of retention"),
}

REFUSALS: dict[str, TranslationString] = {
    "period": _("This report is not made for such a period. Choose another one."),
    "future": _("The period has not begun yet. Choose an earlier one."),
    "reason": _(
        "The table before this one was closed. Write why it is made anew, in up to 500 characters and "
        "without a personal number."
    ),
    "gone": _("A newer table stands instead of this one. Close that one."),
    "closed": _("It was closed already."),
}
NO_PERIOD = _("There is no such period. Choose the fiscal year and the part of it from the lists.")
