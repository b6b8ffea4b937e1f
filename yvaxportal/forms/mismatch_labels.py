"""Words of the mismatch desk: why a row is doubtful, second entries, samples."""

from collections.abc import Mapping
from enum import StrEnum

from yvaxportal.models.codes import SampleVerdict, SecondEntryChoice, SecondEntryState, SettledBy
from yvaxportal.values.text import _

#: Why a row is doubtful. Facts are named as in ``services.imports.doubt``.
DOUBTS: Mapping[str, str] = {
    "state_unreadable": _("The row cannot be read."),
    "state_birth_differs": _("The number is a resident's whose birth date is another."),
    "state_deceased": _("The person had died before that day."),
    "state_number_unknown": _("The number is nobody's."),
    "state_similar_found": _("The number is nobody's; similar people were found."),
    "state_conflict": _("The row contradicts a record."),
    "state_not_resident": _("The person was no resident on that day."),
    "state_not_eligible": _("The dose is outside the programme."),
    "state_changed": _("The record changed after the row was checked."),
    "name_of_another": _("The name is that of another resident with the same birth date."),
    "given_name_differs": _("Only the family name agrees with the register: brother, sister or twin?"),
    "name_differs": _("The name is not the one in the register."),
    "sex_differs": _("The sex is not the one in the register."),
    "lot_of_other": _("The lot number is known of another vaccine only."),
    "number_near": _("A number that differs by one slip belongs to somebody with the same birth date."),
    "too_close": _("Another dose of the same course lies only ${days} days away."),
    "sex_of_vaccine": _("The vaccine's programme is for the other sex."),
    "lot_day": _("The lot is recorded for days more than a year away."),
    "kana_differs": _("The name agrees, its kana does not."),
    "institution_unknown": _("The institution is not on the list."),
    "institution_pattern": _("Of this institution's ${rows} rows in the file ${held} are held."),
    "day_of_birth": _("The dose is dated on the day of birth."),
    "long_ago": _("The dose was given ${years} years before the file was handed in."),
    "birth_partly": _("Day or month of birth is not known."),
    "lot_new": _("The lot number is new, and rare in the file."),
    "kanji_differs": _("The kana agrees, the name in kanji does not."),
    "no_name": _("The row states no name to compare."),
    "window_edge": _("The day is ${days} days from the end of the time for the dose."),
    "alert": _("To be confirmed: ${alert}"),
    "further_fault": _("One more item cannot be read."),
    "number_merged": _("The number was joined into another one."),
    "name_former": _("The name is an earlier one or an alias."),
    "zeros_restored": _("Leading zeros were put back: ${field}."),
}
CHOICES: Mapping[StrEnum, str] = {
    SecondEntryChoice.ALL: _("All rows"),
    SecondEntryChoice.DOUBT: _("Rows from so many points of doubt on"),
    SecondEntryChoice.SAMPLE: _("A sample, in percent of the rows"),
}
ENTRY_STATES: Mapping[SecondEntryState, tuple[str, str]] = {
    SecondEntryState.WANTED: (_("Waits for the second entry"), "soon"),
    SecondEntryState.DIFFERS: (_("Two entries differ"), "doubtful"),
    SecondEntryState.AGREED: (_("Two entries agree"), "ok"),
    SecondEntryState.SETTLED: (_("Difference settled"), "ok"),
}
SETTLED: Mapping[StrEnum, str] = {
    SettledBy.FIRST: _("The first entry is right"),
    SettledBy.SECOND: _("The second entry is right"),
    SettledBy.OTHER: _("Neither; on the paper stands"),
}
VERDICTS: Mapping[StrEnum, str] = {
    SampleVerdict.RIGHT: _("All as on the paper"),
    SampleVerdict.WRONG: _("Wrong in the fields ticked"),
    SampleVerdict.CANNOT_TELL: _("Cannot tell (paper missing or illegible)"),
}
