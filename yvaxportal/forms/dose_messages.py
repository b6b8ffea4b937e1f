"""What errors and alerts about a dose say: the cause, with the facts of the case, and the remedy."""

from collections.abc import Mapping

from yvaxportal.services.dose_findings import DoseAlert, DoseError
from yvaxportal.values.text import _

#: Cause and remedy of every finding. Facts stand in the cause by name; ``reason`` is the rule's own sentence.
MESSAGES: Mapping[DoseError | DoseAlert, tuple[str, str]] = {
    DoseError.UNKNOWN_VACCINE: (
        _("The catalogue does not have this vaccine."),
        _("Choose a vaccine from the list."),
    ),
    DoseError.VACCINE_NOT_YET: (
        _("${vaccine} was not used before ${first}."),
        _("Check the date and the vaccine."),
    ),
    DoseError.BEFORE_BIRTH: (
        _("The date lies before the birth (${born})."),
        _("Check the date, and that this is the right person."),
    ),
    DoseError.AFTER_DEATH: (
        _("The date lies after the death (${died})."),
        _("Check the date and the person. If the register is wrong, have it corrected first."),
    ),
    DoseError.IN_FUTURE: (
        _("The date lies in the future (today is ${today})."),
        _("Check the year and the era."),
    ),
    DoseError.NUMBER_BEYOND_SERIES: (
        _("${vaccine} has ${last} doses at most."),
        _("Check the dose number and the vaccine."),
    ),
    DoseError.DOUBLE_DAY: (
        _("A dose of this series is recorded for this day already (${vaccine})."),
        _("It need not be recorded again. If that record is wrong, correct it."),
    ),
    DoseError.DOUBLE_NUMBER: (
        _("Dose ${number} is recorded already, given on ${given} (${vaccine})."),
        _("Check the dose number. If that record is wrong, correct or cancel it."),
    ),
    DoseError.LOT_FORMAT: (
        _("A lot number of ${vaccine} does not look like this."),
        _("Compare it with the label. If the label cannot be read, leave it empty and say so."),
    ),
    DoseError.INSTITUTION_CODE: (
        _("This is not a code of a medical institution: ten digits, the last one checks the others."),
        _("Compare it with the questionnaire, or look it up by name."),
    ),
    DoseError.INSTITUTION_UNKNOWN: (
        _("No medical institution on the list has this code."),
        _("Check the code. If it is right, write the name instead."),
    ),
    DoseError.PNEUMOCOCCAL_TYPE: (
        _("This pneumococcal type does not belong to ${vaccine}."),
        _("Choose the vaccine that was given and leave the type open."),
    ),
    DoseError.COVID_ITEMS: (
        _("${vaccine} has no such item; only the record of the special temporary COVID-19 programme has."),
        _("Empty the item, or choose the right vaccine."),
    ),
    DoseError.TICKET_NUMBER: (
        _("A ticket number has ten digits."),
        _("Compare it with the ticket."),
    ),
    DoseError.MUNICIPALITY_CODE: (
        _("This is not a municipality code: six digits, the last one checks the others."),
        _("Compare it with the ticket."),
    ),
    DoseError.STATUS_CONTRADICTS: (
        _("The vaccination status contradicts the judgement."),
        _("Leave the status open: it follows from the judgement."),
    ),
    DoseError.IDENTITY_MISSING: (
        _("Nobody has said how the identity was checked."),
        _("Check the questionnaire against the person, then choose how and with which document."),
    ),
    DoseError.PERSONAL_NUMBER: (
        _("There is a personal number here."),
        _("Remove the 12 digits; they were not kept."),
    ),
    DoseError.ALREADY_CANCELLED: (
        _("This dose is cancelled already."),
        _("Nothing needs to be done. If it was given after all, record it anew."),
    ),
    DoseError.NOTHING_CHANGED: (
        _("Nothing is different from what is recorded."),
        _("Change the item that is wrong, or leave the page."),
    ),
    DoseError.MERGED_AWAY: (
        _("This atena number was merged into another one."),
        _("Open the number that remains and record the dose there."),
    ),
    DoseAlert.OUTSIDE_AGE: (
        "${reason}",
        _("Check the date and the birth date. A dose outside the rules is not routine: see the category."),
    ),
    DoseAlert.AGE_UNKNOWN: (
        _("The birth date is not wholly known, so age and window cannot be judged."),
        _("Check the age with a document and say which."),
    ),
    DoseAlert.LIVE_INTERVAL: (
        _("${missing} days are missing to 27 full days from another live vaccine (${vaccine}, ${given})."),
        _("Check both dates. If they are right, a vaccination error has to be reported."),
    ),
    DoseAlert.NUMBER_GAP: (
        _("Dose ${missing} of this series is not recorded."),
        _("Check the dose number. Record the earlier dose first, if the handbook has it."),
    ),
    DoseAlert.NUMBER_ORDER: (
        _("The order of days and numbers does not agree: dose ${number} was given on ${given}."),
        _("Check the dose number and the date."),
    ),
    DoseAlert.AFTER_LEAVING: (
        _("The person had moved out on ${left}."),
        _("Check with the municipality of residence who records and pays this dose."),
    ),
    DoseAlert.LEAVING_DAY_UNKNOWN: (
        _("The person is no resident any more, and the register does not say since when."),
        _("Check the date against the register."),
    ),
    DoseAlert.BEFORE_RESIDENCE: (
        _("The person became a resident on ${since} only."),
        _("Record it as history with its source, such as the handbook or an answer of the municipality."),
    ),
    DoseAlert.NOT_REGISTERED: (
        _("The person is not in the resident register."),
        _("Check that this municipality is in charge of the person."),
    ),
    DoseAlert.SUPPORT_MEASURE: (
        _("The person is under a support measure."),
        _("Check who brought the questionnaire, and send or tell nothing to anybody else."),
    ),
    DoseAlert.VACCINE_ENDED: (
        _("${vaccine} was not used after ${last}."),
        _("Check the date and the vaccine."),
    ),
    DoseAlert.INELIGIBLE_ROUTINE: (
        _("The person is judged ineligible, but the dose is recorded in the legal programme."),
        _("Choose voluntary, or say why it counts."),
    ),
    DoseAlert.LOT_MISSING: (
        _("The lot number is missing."),
        _("Read it from the label of the questionnaire. If it cannot be had, say why."),
    ),
    DoseAlert.INSTITUTION_MISSING: (
        _("The medical institution is missing."),
        _("Enter its code or its name. If it cannot be had, say why."),
    ),
    DoseAlert.INSTITUTION_NOT_YET: (
        _("The medical institution is on the list since ${first} only."),
        _("Check the date and the institution."),
    ),
    DoseAlert.INSTITUTION_CLOSED: (
        _("The medical institution was on the list until ${last} only."),
        _("Check the date and the institution."),
    ),
    DoseAlert.UNRESOLVED_DOUBLE: (
        _("Two sources contradict each other about this dose; both were kept."),
        _("Look for the paper, and cancel the one that is wrong."),
    ),
}

#: What an alert is called where a dose that was saved with it is shown.
ALERT_NAMES: Mapping[str, str] = {
    DoseAlert.OUTSIDE_AGE: _("Outside the rules of age or interval"),
    DoseAlert.AGE_UNKNOWN: _("Birth date not wholly known"),
    DoseAlert.LIVE_INTERVAL: _("Too close to another live vaccine"),
    DoseAlert.NUMBER_GAP: _("An earlier dose is not recorded"),
    DoseAlert.NUMBER_ORDER: _("Numbers against the order of days"),
    DoseAlert.AFTER_LEAVING: _("After moving out"),
    DoseAlert.LEAVING_DAY_UNKNOWN: _("Day of leaving not known"),
    DoseAlert.BEFORE_RESIDENCE: _("Before becoming a resident"),
    DoseAlert.NOT_REGISTERED: _("Not in the resident register"),
    DoseAlert.SUPPORT_MEASURE: _("Support measure"),
    DoseAlert.VACCINE_ENDED: _("Vaccine no longer used"),
    DoseAlert.INELIGIBLE_ROUTINE: _("Judged ineligible, recorded in the programme"),
    DoseAlert.LOT_MISSING: _("Lot number missing"),
    DoseAlert.INSTITUTION_MISSING: _("Medical institution missing"),
    DoseAlert.INSTITUTION_NOT_YET: _("Institution not yet on the list"),
    DoseAlert.INSTITUTION_CLOSED: _("Institution no longer on the list"),
    DoseAlert.UNRESOLVED_DOUBLE: _("Sources contradict each other; both kept"),
}
