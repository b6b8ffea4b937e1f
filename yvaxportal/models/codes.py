"""Code lists of the business. Values are stored; labels live in ``LABELS`` of the forms floor.

Where no public code exists the codes are ours (reference: own proposal, record items of the assessment).
"""

from enum import StrEnum


class Sex(StrEnum):
    """Sex (性別) as the data-linkage standard codes it."""

    UNKNOWN = "0"
    MALE = "1"
    FEMALE = "2"


class ResidentCategory(StrEnum):
    """Resident category (住民区分)."""

    RESIDENT = "resident"
    MOVED_OUT = "moved_out"
    DECEASED = "deceased"
    REMOVED = "removed"
    NON_REGISTERED = "non_registered"


class ForeignResidentCategory(StrEnum):
    """Category of a foreign resident under Article 30-45 of the Basic Resident Register Act."""

    MID_TO_LONG_TERM = "mid_to_long_term"
    SPECIAL_PERMANENT = "special_permanent"
    TEMPORARY_REFUGE = "temporary_refuge"
    PROVISIONAL_STAY = "provisional_stay"
    TRANSITIONAL = "transitional"


class NameKind(StrEnum):
    """Which of a person's names a search key was made from."""

    KANJI = "kanji"
    KANA = "kana"
    ALPHABET = "alphabet"
    ALIAS = "alias"
    FORMER = "former"


class EligibilityKind(StrEnum):
    """What a tax or welfare register says of a person (record items 37 to 41)."""

    NATIONAL_HEALTH_INSURANCE = "national_health_insurance"
    LATE_ELDERLY_INSURANCE = "late_elderly_insurance"
    PUBLIC_ASSISTANCE = "public_assistance"
    TAX_EXEMPT = "tax_exempt"
    PHYSICAL_DISABILITY_CERTIFICATE = "physical_disability_certificate"


class EligibilityState(StrEnum):
    """State of one eligibility: held or not, and for taxation the four answers of the tax register."""

    HELD = "held"
    NOT_HELD = "not_held"
    EXEMPT = "exempt"
    TAXED = "taxed"
    NOT_FILED = "not_filed"
    UNKNOWN = "unknown"


class RecordGroup(StrEnum):
    """The three dose record groups of the assessment's annex 1."""

    INFANT = "infant_dose"
    ELDERLY = "elderly_dose"
    COVID19 = "covid19"


class Judgement(StrEnum):
    """Outcome of the visit (接種判定)."""

    GIVEN = "given"
    UNFIT = "unfit"
    DEFERRED = "deferred"
    EXAM_ONLY = "exam_only"
    DECLINED = "declined"


class DeliveryCategory(StrEnum):
    """How and where the dose was delivered (実施区分)."""

    INDIVIDUAL = "individual"
    GROUP = "group"
    WIDE_AREA = "wide_area"
    OUT_OF_PREFECTURE = "out_of_prefecture"
    REIMBURSEMENT = "reimbursement"
    FACILITY = "facility"


class DoseCategory(StrEnum):
    """Legal category of the dose (接種区分)."""

    ROUTINE = "routine"
    VOLUNTARY = "voluntary"
    SUBSIDISED = "subsidised"
    TEMPORARY = "temporary"


class IneligibilityJudgement(StrEnum):
    """Why a person was outside the programme (対象外判定)."""

    MOVED_OUT = "moved_out"
    DECEASED = "deceased"
    AGE = "age"
    INTERVAL = "interval"
    DISEASE_HISTORY = "disease_history"
    ALREADY_GIVEN = "already_given"
    CONTRAINDICATED = "contraindicated"
    DUPLICATE = "duplicate"
    NOT_REGISTERED = "not_registered"
    OTHER = "other"


class PneumococcalType(StrEnum):
    """Valency of a pneumococcal vaccine (肺炎球菌種類)."""

    V7 = "7"
    V13 = "13"
    V15 = "15"
    V20 = "20"
    V23 = "23"


class VaccinationStatus(StrEnum):
    """COVID-19 record: done or not (接種状況)."""

    DONE = "done"
    NOT_DONE = "not_done"


class DoseState(StrEnum):
    """A dose is never deleted by hand; it is cancelled."""

    ACTIVE = "active"
    CANCELLED = "cancelled"


class DoseSource(StrEnum):
    """Where a dose record came from."""

    FORM = "form"
    FILE = "file"
    VRS = "vrs"
    MUNICIPALITY = "municipality"
    MIGRATION = "migration"


class IdentityCheckMethod(StrEnum):
    """How identity was checked before a record was accepted (measure M01)."""

    INTERVIEW_FORM = "interview_form"
    COUNTER = "counter"
    INSTITUTION_LIST = "institution_list"


class IdentityDocument(StrEnum):
    """The document that was seen. No number or copy of it is kept (Article 16)."""

    QUESTIONNAIRE_MATCHED = "questionnaire_matched"
    MY_NUMBER_CARD = "my_number_card"
    DRIVING_LICENCE = "driving_licence"
    PASSPORT = "passport"
    RESIDENCE_CARD = "residence_card"
    INSURANCE_CERTIFICATE = "insurance_certificate"
    MATERNAL_HANDBOOK = "maternal_handbook"
    TWO_OTHER_DOCUMENTS = "two_other_documents"


class TicketState(StrEnum):
    """State of a ticket (接種券)."""

    ISSUED = "issued"
    USED = "used"
    VOID = "void"


class CertificateKind(StrEnum):
    """Use of a COVID-19 vaccination certificate."""

    DOMESTIC = "domestic"
    TRAVEL = "travel"


class CertificateState(StrEnum):
    """State of a certificate in the register of issues."""

    VALID = "valid"
    VOID = "void"


class OutboxState(StrEnum):
    """Where something stands that another system has to be told."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class VrsFlag(StrEnum):
    """Why no more doses are to be expected for a ticket (転出/死亡フラグ of VRS)."""

    MOVED_OUT = "moved_out"
    DECEASED = "deceased"


class Outcome(StrEnum):
    """How an audited act ended."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class CircumstanceKind(StrEnum):
    """What about a person changes what the programme allows or asks of them (特別の事情).

    The diseases and conditions of the enforcement ordinance (施行令3条, 施行規則2条), an expected delivery
    date, a low rubella antibody, and that nothing shall be posted to the person.
    """

    DISEASE_HISTORY = "disease_history"
    RISK_GROUP = "risk_group"
    LONG_ILLNESS = "long_illness"
    PREGNANCY = "pregnancy"
    ANTIBODY_LOW = "antibody_low"
    CONTRAINDICATION = "contraindication"
    HBV_MOTHER = "hbv_mother"
    NO_INVITATION = "no_invitation"


class ExtractionState(StrEnum):
    """State of a saved list of targets (対象者の抽出)."""

    SAVED = "saved"
    WITHDRAWN = "withdrawn"


class ExtractionJobKind(StrEnum):
    """What a worker does about a list of targets: ask registers, try it out, save it."""

    REFRESH = "refresh"
    TRY = "try"
    SAVE = "save"


class ExtractionJobState(StrEnum):
    """State of what a worker does about a list of targets."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class MemberStanding(StrEnum):
    """How somebody came to be on, or off, a list of targets: by its rules, or by hand."""

    BY_RULES = "by_rules"
    ADDED = "added"
    REMOVED = "removed"


class LetterKind(StrEnum):
    """What is printed and posted."""

    TICKET = "ticket"
    QUESTIONNAIRE = "questionnaire"
    INVITATION = "invitation"
    REMINDER = "reminder"
    RECORD_CERTIFICATE = "record_certificate"


class LetterRunState(StrEnum):
    """State of one run of letters; ``CANCELLED`` is one whose file was wiped before anybody took it."""

    QUEUED = "queued"
    MAKING = "making"
    MADE = "made"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class LetterState(StrEnum):
    """What became of one person's letter: extracted = printed + held + dropped; printed = sent + spoiled."""

    PRINTED = "printed"
    HELD = "held"
    DROPPED = "dropped"
    SPOILED = "spoiled"
    SENT = "sent"


class OutputState(StrEnum):
    """Where a file that leaves the portal stands (measures M16, M17, M19)."""

    QUEUED = "queued"
    MAKING = "making"
    AWAITING_APPROVAL = "awaiting_approval"
    READY = "ready"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"
    WIPED = "wiped"


class MediumKind(StrEnum):
    """Kind of a dedicated storage medium (専用の外部記録媒体)."""

    USB_MEMORY = "usb_memory"
    PORTABLE_DISK = "portable_disk"
    OPTICAL_DISC = "optical_disc"


class MediumState(StrEnum):
    """State of a medium of the register (measure M21)."""

    AVAILABLE = "available"
    LENT = "lent"
    LOST = "lost"
    DISPOSED = "disposed"


class ImportState(StrEnum):
    """Where a file of doses stands: uploaded, judged row by row, applied, undone (issue: four steps)."""

    UPLOADED = "uploaded"
    CHECKING = "checking"
    CHECKED = "checked"
    APPLYING = "applying"
    APPLIED = "applied"
    UNDOING = "undoing"
    UNDONE = "undone"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ImportRowState(StrEnum):
    """How a row of a file was judged. All but the first two wait for a person."""

    READY = "ready"
    ALREADY_THERE = "already_there"
    CONFLICT = "conflict"
    BIRTH_DIFFERS = "birth_differs"
    NUMBER_UNKNOWN = "number_unknown"
    SIMILAR_FOUND = "similar_found"
    NOT_RESIDENT = "not_resident"
    DECEASED = "deceased"
    NOT_ELIGIBLE = "not_eligible"
    UNREADABLE = "unreadable"
    CHANGED = "changed"


class ImportDecision(StrEnum):
    """What a person decided about a row that waited (measure M08)."""

    APPLY = "apply"
    REPLACE = "replace"
    KEEP_BOTH = "keep_both"
    REFUSE = "refuse"
    RETURN = "return"


class ImportOutcome(StrEnum):
    """What became of a row: a new dose, a source of one that was there, a changed dose; or taken back."""

    RECORDED = "recorded"
    LINKED = "linked"
    REPLACED = "replaced"
    UNDONE = "undone"


class SecondEntryState(StrEnum):
    """How the second, blind entry of a row stands: asked for, typed otherwise, typed the same, settled."""

    WANTED = "wanted"
    DIFFERS = "differs"
    AGREED = "agreed"
    SETTLED = "settled"


class SecondEntryChoice(StrEnum):
    """Which rows of a file are typed a second time."""

    ALL = "all"
    DOUBT = "doubt"
    SAMPLE = "sample"


class SettledBy(StrEnum):
    """Which of two entries was right in a field, or neither."""

    FIRST = "first"
    SECOND = "second"
    OTHER = "other"


class SampleVerdict(StrEnum):
    """What the paper says of a recorded row that was drawn."""

    RIGHT = "right"
    WRONG = "wrong"
    CANNOT_TELL = "cannot_tell"


class DoubleState(StrEnum):
    """Where two numbers stand that may be one person: found, told to the register, not the same, merged."""

    OPEN = "open"
    TOLD = "told"
    DIFFERENT = "different"
    MERGED = "merged"


class MergeSource(StrEnum):
    """Who said that two numbers are one person; ``staff`` wrote down what the register decided."""

    REGISTER = "register"
    ATENA = "atena"
    STAFF = "staff"


class ReportSubject(StrEnum):
    """What a figure of a report counts."""

    DOSE = "dose"
    RESIDENT = "resident"
