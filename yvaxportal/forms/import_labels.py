"""What files of doses, their rows, and what can be wrong with either are called."""

from collections.abc import Mapping
from enum import StrEnum

from yvaxportal.models.codes import ImportDecision, ImportOutcome, ImportRowState, ImportState
from yvaxportal.values.text import _

STATES: Mapping[ImportState, tuple[str, str]] = {
    ImportState.UPLOADED: (_("Handed in"), "soon"),
    ImportState.CHECKING: (_("Being checked"), "info"),
    ImportState.CHECKED: (_("Checked, nothing recorded yet"), "soon"),
    ImportState.APPLYING: (_("Being recorded"), "info"),
    ImportState.APPLIED: (_("Recorded"), "ok"),
    ImportState.UNDOING: (_("Being undone"), "info"),
    ImportState.UNDONE: (_("Undone"), "neutral"),
    ImportState.REFUSED: (_("Refused"), "overdue"),
    ImportState.WITHDRAWN: (_("Withdrawn"), "neutral"),
}
#: What a row's state is called, and the mark it is shown with.
ROW_STATES: Mapping[ImportRowState, tuple[str, str]] = {
    ImportRowState.READY: (_("Ready"), "ok"),
    ImportRowState.ALREADY_THERE: (_("Already recorded"), "neutral"),
    ImportRowState.CONFLICT: (_("Contradicts a record"), "doubtful"),
    ImportRowState.BIRTH_DIFFERS: (_("Birth date differs"), "doubtful"),
    ImportRowState.NUMBER_UNKNOWN: (_("Number not known"), "overdue"),
    ImportRowState.SIMILAR_FOUND: (_("Similar person found"), "doubtful"),
    ImportRowState.NOT_RESIDENT: (_("Not a resident on that day"), "soon"),
    ImportRowState.DECEASED: (_("Deceased"), "overdue"),
    ImportRowState.NOT_ELIGIBLE: (_("Outside the programme"), "soon"),
    ImportRowState.UNREADABLE: (_("Cannot be read"), "overdue"),
    ImportRowState.CHANGED: (_("Changed since it was checked"), "doubtful"),
}
DECISIONS: Mapping[StrEnum, str] = {
    ImportDecision.APPLY: _("Record as it is"),
    ImportDecision.REPLACE: _("Take the file's details over"),
    ImportDecision.KEEP_BOTH: _("Keep both doses"),
    ImportDecision.REFUSE: _("Do not take over"),
    ImportDecision.RETURN: _("Send back to the sender"),
}
OUTCOMES: Mapping[StrEnum, str] = {
    ImportOutcome.RECORDED: _("Recorded as a new dose"),
    ImportOutcome.LINKED: _("Added as a source"),
    ImportOutcome.REPLACED: _("Corrected the record"),
    ImportOutcome.UNDONE: _("Undone"),
}
#: What the sender is told of a row.
RESULTS: Mapping[str, str] = {
    "recorded": _("Recorded"),
    "already_there": _("Already recorded"),
    "undone": _("Undone"),
    "refused": _("Refused"),
    "returned": _("Sent back"),
    "accepted": _("Accepted"),
    "unreadable": _("Cannot be read"),
    "held": _("Being looked at"),
    "line": _("Line"),
    "part": _("Dose within the line"),
    "number": _("Number as written"),
    "result": _("Result"),
    "reason": _("Reason"),
}
FORMATS: Mapping[str, str] = {
    "csv": _("CSV (commas)"),
    "tsv": _("TSV (tabs)"),
    "fixed": _("Fixed length"),
    "xlsx": _("Excel (XLSX)"),
}
ENCODINGS: Mapping[str, str] = {
    "utf-8": "UTF-8",
    "cp932": "Shift_JIS (CP932)",
    "utf-16-le": "UTF-16 (LE)",
    "utf-16-be": "UTF-16 (BE)",
}
FIELDS: Mapping[str, str] = {
    "business_atena_number": _("Business addressee number"),
    "atena_number": _("Atena number"),
    "ticket_number": _("Ticket number"),
    "name": _("Name"),
    "name_kana": _("Name in kana"),
    "birth": _("Birth date"),
    "sex": _("Sex"),
    "address": _("Address"),
    "vaccine": _("Vaccine"),
    "given_on": _("Date given"),
    "dose_number": _("Dose number"),
    "judgement": _("Judgement"),
    "ineligibility_judgement": _("Ineligibility judgement"),
    "dose_category": _("Dose category"),
    "delivery_category": _("Delivery category"),
    "pneumococcal_type": _("Pneumococcal type"),
    "identity_method": _("Identity checked"),
    "identity_document": _("Document seen"),
    "fee": _("Fee"),
    "institution_code": _("Code of the medical institution"),
    "institution_name": _("Medical institution"),
    "municipality_code": _("Municipality code"),
    "physician": _("Physician"),
    "lot_number": _("Lot number"),
    "remarks": _("Special remarks"),
    "manufacturer": _("Manufacturer"),
}
#: Why a row stands as it does. The findings about doses have words of their own (``dose_messages``).
REASONS: Mapping[str, str] = {
    "missing": _("${field} is empty."),
    "not_a_day": _("${field} is no date that can be read."),
    "day_unknown": _("${field} has no day or month."),
    "not_a_number": _("${field} is no number."),
    "not_digits": _("${field} has other characters than digits."),
    "too_long": _("${field} is longer than 400 characters."),
    "personal_number": _("${field} holds twelve digits that may be a personal number."),
    "personal_number_typed": _("What was typed holds a personal number; it was not kept."),
    "unknown_vaccine": _("The name of the vaccine is not known."),
    "unknown_code": _("${field} has a value that the layout does not know."),
    "zeros_restored": _("${field}: leading zeros were put back."),
    "wrong_columns": _("The line has ${found} columns instead of ${wanted}."),
    "wrong_length": _("The line has ${found} bytes instead of ${wanted}."),
    "broken_quotes": _("A quotation mark is not closed, or stands where none may."),
    "nul": _("The line holds a NUL character."),
    "wrong_encoding": _("The line is in another encoding than the rest of the file."),
    "formula": _("A cell holds a formula. Formulas are not calculated: send the value."),
    "birth_differs": _(
        "The number is a resident's, but the birth date is not theirs. Look at the paper before you decide."
    ),
    "number_unknown": _("The number is nobody's."),
    "other_municipality": _("The ticket was issued by another municipality."),
    "same_dose": _("The same dose is recorded already."),
    "details_differ": _("The same dose is recorded with other details: ${fields}."),
    "twice_in_file": _("Row ${number} of this file reports the same dose."),
    "target_changed": _("The record changed after the row was checked, so it waits for a decision again."),
    "nobody_chosen": _("Choose whose dose it is first."),
    "no_conflict": _("There is no contradicting record any more."),
    "number_merged": _("The number was joined into another one; its person is taken."),
    "settle_each": _("Say for each field which entry is right."),
    "same_key": _("Both cannot be kept: vaccine, day and number are the same. Choose one."),
}
#: Why a whole file was refused: what happened, and what to do.
REFUSALS: Mapping[str, tuple[str, str]] = {
    "personal_number": (
        _("The file holds a personal number (line ${line}, column ${column}). It was refused and wiped."),
        _("Remove the personal numbers and send the file again. Files of doses never carry them."),
    ),
    "empty_file": (_("There is nothing in the file."), _("Check that the right file was chosen.")),
    "not_a_workbook": (
        _("The file is no Excel workbook (XLSX) that can be read."),
        _("Save it as XLSX or CSV and send it again."),
    ),
    "encrypted_workbook": (
        _("The workbook is protected by a password."),
        _("Remove the password and send it again."),
    ),
    "workbook_too_large": (
        _("Unpacked, the workbook is too large."),
        _("Save it as CSV and send that, or split it."),
    ),
    "unreadable_headings": (
        _("The first line, with the headings, cannot be read."),
        _("Check the encoding and the quotation marks of the first line."),
    ),
    "too_many_columns": (
        _("The file has ${found} columns; ${most} are the most."),
        _("Check the separator, and send only the columns of the layout."),
    ),
    "too_many_records": (_("The file has more than ${most} lines."), _("Split the file.")),
    "format_not_of_layout": (
        _("The file is of a format that this layout does not have."),
        _("Choose another layout, or save the file in another format."),
    ),
    "encoding_not_of_layout": (
        _("The file is in an encoding that this layout does not have."),
        _("Choose another layout, or save the file in another encoding."),
    ),
    "too_few_match": (
        _("Only ${rate} % of ${rows} rows match the register; ${floor} % is the least. Nothing was taken."),
        _("Remove the cause and send the file again."),
    ),
}
#: What is likely wrong with a file of which too little matches.
CAUSES: Mapping[str, str] = {
    "shifted_column": _(
        "Columns are shifted: ${field} seems to stand in column ${found}, and was read from column ${mapped}."
    ),
    "wrong_encoding": _("The encoding is likely wrong: choose another one and look at the preview."),
    "wrong_columns": _("Most lines have another number of columns than the headings."),
    "births_differ": _("The numbers are known but most birth dates differ: another column, or another era."),
    "other_municipality": _("The numbers are well formed but nobody's here: a file of another municipality?"),
    "unclear": _("No single cause could be found. Compare the first lines with the layout."),
}
PROBLEMS: Mapping[str, str] = {
    "undo_blocked": _("Not undone: something later depends on ${rows} rows."),
    "undo_partly": _("Undone but for ${rows} rows on which something later depends."),
}
OTHER_PROBLEM = _("The last run failed and is tried again. If this stays, tell the administrators.")
BLOCKERS: Mapping[str, str] = {
    "dose_changed": _("The dose was changed since."),
    "later_dose": _("A later dose of the course was recorded since."),
    "later_import": _("Another file reported the same dose since."),
    "certificate": _("A certificate was issued since."),
    "output": _("A file with this person left the portal since."),
}
#: In what a possible person agrees or not.
LIKENESS: Mapping[str, str] = {
    "birth_same": _("birth date equal"),
    "birth_nearly": _("birth date nearly equal"),
    "name_same": _("name equal (forms of kanji aside)"),
    "name_changed": _("a former name or alias is equal"),
    "given_name_same": _("given name equal, family name not"),
    "given_name_differs": _("family name equal, given name not (twin, brother or sister?)"),
    "given_name_in_kana": _("family name equal, given name written in kana"),
    "kana_same": _("kana equal"),
    "kana_nearly": _("kana nearly equal"),
    "sex_same": _("sex equal"),
    "sex_differs": _("sex differs"),
    "address_same": _("address equal"),
    "town_same": _("same town"),
    "address_former": _("an earlier or later address is equal"),
    "number_nearly": _("number differs by one slip of the keyboard"),
    "household_name": _("somebody of the household has this family name"),
}
PHASES: Mapping[str, str] = {
    "waiting": _("Waits for its turn"),
    "reading": _("Reading the file"),
    "judging": _("Judging the rows"),
    "applying": _("Recording the doses"),
    "undoing": _("Undoing"),
}
DEEDS: Mapping[str, str] = {
    **{str(decision): label for decision, label in DECISIONS.items()},
    "corrected": _("Corrected the row"),
    "answered": _("The sender answered"),
    "reopened": _("Took the decision back"),
    "kept_apart": _("Kept apart from the people found"),
    "changed": _("Went back: the record had changed"),
    "cleared": _("Looked at the paper: no doubt left"),
    "typed_again": _("Typed a second time"),
    "settled": _("Settled where two entries differed"),
    "undone": _("Undone"),
}
