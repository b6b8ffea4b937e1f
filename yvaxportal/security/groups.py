"""The groups that ship and what each may do until an administrator changes it."""

from dataclasses import dataclass

from yvaxportal.security.permissions import Permission as P


@dataclass(frozen=True)
class BuiltInGroup:
    """A group out of the box: its key, its labels, and its default permissions."""

    name: str
    label_ja: str
    label_en: str
    permissions: frozenset[P]


_READ = frozenset(
    {
        P.RESIDENT_SEARCH,
        P.RESIDENT_VIEW,
        P.NOTE_VIEW,
        P.CONTACT_VIEW,
        P.ELIGIBILITY_VIEW,
        P.DOSE_VIEW,
        P.TICKET_VIEW,
        P.CIRCUMSTANCE_VIEW,
        P.EXTRACTION_VIEW,
        P.LETTER_VIEW,
        P.REPORT_VIEW,
    }
)
_WRITE = frozenset(
    {
        P.RESIDENT_EDIT,
        P.FOREIGN_VIEW,
        P.FOREIGN_EDIT,
        P.NOTE_EDIT,
        P.CONTACT_EDIT,
        P.ELIGIBILITY_EDIT,
        P.DOSE_RECORD,
        P.DOSE_CORRECT,
        P.DOSE_CANCEL,
        P.CERTIFICATE_VIEW,
        P.CERTIFICATE_EDIT,
        P.TICKET_ISSUE,
        P.CIRCUMSTANCE_EDIT,
        P.EXTRACTION_MAKE,
        P.LETTER_MAKE,
        P.OUTPUT_REQUEST,
        P.MEDIUM_VIEW,
        P.MEDIUM_USE,
        P.IMPORT_SEND,
        P.IMPORT_VIEW,
        P.IMPORT_REVIEW,
        P.IMPORT_APPLY,
        P.IMPORT_UNDO,
        P.IMPORT_SECOND_ENTRY,
        P.REPORT_MAKE,
        P.REPORT_PEOPLE,
        P.FEE_VIEW,
        P.DOUBLE_VIEW,
        P.DOUBLE_DECIDE,
    }
)

BUILT_IN_GROUPS: tuple[BuiltInGroup, ...] = (
    BuiltInGroup("viewer", "閲覧", "Viewer", _READ),
    BuiltInGroup("registrar", "接種登録", "Registrar", _READ | _WRITE),
    BuiltInGroup(
        "number",
        "番号制度担当",
        "Number staff",
        _READ
        | {
            P.FOREIGN_VIEW,
            P.CERTIFICATE_VIEW,
            P.PERSONAL_NUMBER_READ,
            P.PERSONAL_NUMBER_LOOK_UP,
            P.PERSONAL_NUMBER_ENTER,
        },
    ),
    BuiltInGroup(
        "manager",
        "管理責任者",
        "Manager",
        _READ
        | {
            P.FOREIGN_VIEW,
            P.CERTIFICATE_VIEW,
            P.PROTECTED_CONTACT_VIEW,
            P.PROTECTED_CONTACT_EDIT,
            P.SUPPORT_MEASURE_EDIT,
            P.ACCESS_LOG_VIEW,
            P.DOUBLE_VIEW,
            P.DOUBLE_DECIDE,
            P.DOUBLE_MERGE,
            P.CONNECTION_VIEW,
            P.CONNECTION_RUN,
            P.LETTER_RELEASE,
            P.OUTPUT_VIEW,
            P.OUTPUT_APPROVE,
            P.MEDIUM_VIEW,
            P.MEDIUM_APPROVE,
            P.IMPORT_VIEW,
            P.IMPORT_APPLY,
            P.IMPORT_UNDO,
            P.REPORT_MAKE,
            P.REPORT_PEOPLE,
            P.FEE_VIEW,
        },
    ),
    BuiltInGroup(
        "auditor",
        "監査",
        "Auditor",
        frozenset({P.AUDIT_VIEW, P.ACCESS_LOG_VIEW, P.OUTPUT_VIEW, P.MEDIUM_VIEW}),
    ),
    BuiltInGroup(
        "administrator",
        "システム管理",
        "Administrator",
        frozenset(
            {
                P.CONNECTION_VIEW,
                P.CONNECTION_RUN,
                P.ACCOUNT_MANAGE,
                P.ACL_VIEW,
                P.ACL_EDIT,
                P.MEDIUM_VIEW,
                P.MEDIUM_MANAGE,
            }
        ),
    ),
    # A contractor sees only batches of its own (measure M44), and never a resident's page.
    BuiltInGroup("contractor", "委託先", "Contractor", frozenset({P.IMPORT_SEND})),
)


def default_groups() -> list[tuple[str, str, str, frozenset[str]]]:
    """Return the built-in groups as ``services.bootstrap.ensure_groups`` takes them."""
    return [
        (group.name, group.label_ja, group.label_en, frozenset(str(p) for p in group.permissions))
        for group in BUILT_IN_GROUPS
    ]
