"""What each permission is called on the matrix, by area, in the order of the work."""

from translationstring import TranslationString

from yvaxportal.security.permissions import Permission as P
from yvaxportal.values.text import _

AREAS: tuple[tuple[TranslationString, tuple[tuple[P, TranslationString], ...]], ...] = (
    (
        _("Residents"),
        (
            (P.RESIDENT_SEARCH, _("Find residents")),
            (P.RESIDENT_VIEW, _("See a resident's page")),
            (P.RESIDENT_EDIT, _("Register people outside the resident register")),
            (P.FOREIGN_VIEW, _("See residence status and card")),
            (P.FOREIGN_EDIT, _("Edit residence status and card")),
            (P.NOTE_VIEW, _("See remarks")),
            (P.NOTE_EDIT, _("Edit remarks")),
            (P.CONTACT_VIEW, _("See address and contact")),
            (P.CONTACT_EDIT, _("Edit address and contact")),
            (P.PROTECTED_CONTACT_VIEW, _("See addresses under a support measure")),
            (P.PROTECTED_CONTACT_EDIT, _("Edit addresses under a support measure")),
            (P.SUPPORT_MEASURE_EDIT, _("Start and lift support measures")),
            (P.ELIGIBILITY_VIEW, _("See insurance, tax and welfare")),
            (P.ELIGIBILITY_EDIT, _("Edit insurance, tax and welfare")),
            (P.ACCESS_LOG_VIEW, _("See who looked at a resident")),
            (P.DOUBLE_VIEW, _("See numbers that may be one person")),
            (P.DOUBLE_DECIDE, _("Decide whether two numbers are one person")),
            (P.DOUBLE_MERGE, _("Record merges of numbers and take them apart")),
        ),
    ),
    (
        _("Vaccination"),
        (
            (P.DOSE_VIEW, _("See doses")),
            (P.DOSE_RECORD, _("Record doses")),
            (P.DOSE_CORRECT, _("Correct doses")),
            (P.DOSE_CANCEL, _("Cancel doses")),
            (P.TICKET_VIEW, _("See tickets")),
            (P.TICKET_ISSUE, _("Issue tickets anew")),
            (P.CIRCUMSTANCE_VIEW, _("See special circumstances")),
            (P.CIRCUMSTANCE_EDIT, _("Record special circumstances")),
            (P.CERTIFICATE_VIEW, _("See certificates and passport details")),
            (P.CERTIFICATE_EDIT, _("Record certificates")),
        ),
    ),
    (
        _("Personal number"),
        (
            (P.PERSONAL_NUMBER_READ, _("Read a personal number")),
            (P.PERSONAL_NUMBER_LOOK_UP, _("Look up by personal number")),
            (P.PERSONAL_NUMBER_ENTER, _("Register a personal number")),
        ),
    ),
    (
        _("Lists, letters and files"),
        (
            (P.EXTRACTION_VIEW, _("See lists of targets")),
            (P.EXTRACTION_MAKE, _("Make lists of targets")),
            (P.LETTER_VIEW, _("See letters and tickets that were printed")),
            (P.LETTER_MAKE, _("Print letters and tickets")),
            (P.LETTER_RELEASE, _("Release letters held for a support measure")),
            (P.OUTPUT_REQUEST, _("Take files out")),
            (P.OUTPUT_VIEW, _("See everybody's files in the register of outputs")),
            (P.OUTPUT_APPROVE, _("Approve files that leave")),
            (P.MEDIUM_VIEW, _("See the register of storage media")),
            (P.MEDIUM_USE, _("Borrow and return storage media")),
            (P.MEDIUM_APPROVE, _("Approve the use of storage media")),
            (P.MEDIUM_MANAGE, _("Register and dispose of storage media")),
        ),
    ),
    (
        _("Files of doses"),
        (
            (P.IMPORT_SEND, _("Send files of doses and see one's own")),
            (P.IMPORT_VIEW, _("See everybody's files of doses and their rows")),
            (P.IMPORT_REVIEW, _("Decide about rows that were held")),
            (P.IMPORT_APPLY, _("Apply files of doses")),
            (P.IMPORT_UNDO, _("Undo files of doses")),
            (P.IMPORT_SECOND_ENTRY, _("Type rows a second time from the paper")),
        ),
    ),
    (
        _("Reports and fees"),
        (
            (P.REPORT_VIEW, _("See reports and dashboards")),
            (P.REPORT_MAKE, _("Make and close reports")),
            (P.REPORT_PEOPLE, _("See the people behind a figure")),
            (P.FEE_VIEW, _("See fees claimed by institutions")),
        ),
    ),
    (
        _("Administration"),
        (
            (P.AUDIT_VIEW, _("Search the audit log")),
            (P.CONNECTION_VIEW, _("See the connections to other systems")),
            (P.CONNECTION_RUN, _("Start updates and settle what was refused")),
            (P.ACCOUNT_MANAGE, _("Manage accounts")),
            (P.ACL_VIEW, _("See groups and permissions")),
            (P.ACL_EDIT, _("Change groups and permissions")),
        ),
    ),
)

PERMISSION_LABELS = {permission: label for _area, rows in AREAS for permission, label in rows}
