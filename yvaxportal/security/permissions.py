"""Every permission of the portal, in one place: a mistyped one fails at import."""

from enum import StrEnum


class Permission(StrEnum):
    """What a view may ask for. The value is what the ACL table stores; ``resource:action``."""

    RESIDENT_SEARCH = "resident:search"
    RESIDENT_VIEW = "resident:view"
    RESIDENT_EDIT = "resident:edit"
    FOREIGN_VIEW = "foreign:view"
    FOREIGN_EDIT = "foreign:edit"
    NOTE_VIEW = "note:view"
    NOTE_EDIT = "note:edit"
    CONTACT_VIEW = "contact:view"
    CONTACT_EDIT = "contact:edit"
    PROTECTED_CONTACT_VIEW = "protected-contact:view"
    PROTECTED_CONTACT_EDIT = "protected-contact:edit"
    SUPPORT_MEASURE_EDIT = "support-measure:edit"
    ELIGIBILITY_VIEW = "eligibility:view"
    ELIGIBILITY_EDIT = "eligibility:edit"
    DOSE_VIEW = "dose:view"
    DOSE_RECORD = "dose:record"
    DOSE_CORRECT = "dose:correct"
    DOSE_CANCEL = "dose:cancel"
    TICKET_VIEW = "ticket:view"
    TICKET_ISSUE = "ticket:issue"
    CIRCUMSTANCE_VIEW = "circumstance:view"
    CIRCUMSTANCE_EDIT = "circumstance:edit"
    CERTIFICATE_VIEW = "certificate:view"
    CERTIFICATE_EDIT = "certificate:edit"
    ACCESS_LOG_VIEW = "access-log:view"
    DOUBLE_VIEW = "double:view"
    DOUBLE_DECIDE = "double:decide"
    DOUBLE_MERGE = "double:merge"
    PERSONAL_NUMBER_READ = "personal-number:read"
    PERSONAL_NUMBER_LOOK_UP = "personal-number:look-up"
    PERSONAL_NUMBER_ENTER = "personal-number:enter"
    EXTRACTION_VIEW = "extraction:view"
    EXTRACTION_MAKE = "extraction:make"
    LETTER_VIEW = "letter:view"
    LETTER_MAKE = "letter:make"
    LETTER_RELEASE = "letter:release"
    OUTPUT_REQUEST = "output:request"
    OUTPUT_VIEW = "output:view"
    OUTPUT_APPROVE = "output:approve"
    MEDIUM_VIEW = "medium:view"
    MEDIUM_USE = "medium:use"
    MEDIUM_APPROVE = "medium:approve"
    MEDIUM_MANAGE = "medium:manage"
    IMPORT_SEND = "import:send"
    IMPORT_VIEW = "import:view"
    IMPORT_REVIEW = "import:review"
    IMPORT_APPLY = "import:apply"
    IMPORT_UNDO = "import:undo"
    IMPORT_SECOND_ENTRY = "import:second-entry"
    REPORT_VIEW = "report:view"
    REPORT_MAKE = "report:make"
    REPORT_PEOPLE = "report:people"
    FEE_VIEW = "fee:view"
    AUDIT_VIEW = "audit:view"
    CONNECTION_VIEW = "connection:view"
    CONNECTION_RUN = "connection:run"
    ACCOUNT_MANAGE = "account:manage"
    ACL_VIEW = "acl:view"
    ACL_EDIT = "acl:edit"
    SIGNED_IN = "signed-in"
    UNGRANTED = "ungranted"


#: Never in the matrix: every signed-in member of staff holds the first, nobody the second.
NOT_GRANTABLE = frozenset({Permission.SIGNED_IN, Permission.UNGRANTED})

#: Grants of these wait for a second administrator, whoever asks: nobody gives themself the personal number.
#: Administration is among them, since otherwise one administrator could make the second one.
NEEDS_SECOND_PERSON = frozenset(
    {
        Permission.ACCOUNT_MANAGE,
        Permission.ACL_EDIT,
        Permission.PERSONAL_NUMBER_READ,
        Permission.PERSONAL_NUMBER_LOOK_UP,
        Permission.PERSONAL_NUMBER_ENTER,
        # What stands for another person's consent must not be had by granting it to oneself (M19, M22).
        Permission.OUTPUT_APPROVE,
        Permission.MEDIUM_APPROVE,
        Permission.LETTER_RELEASE,
    }
)
