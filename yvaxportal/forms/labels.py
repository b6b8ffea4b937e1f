"""What each code is called: message ids for every member of every code list of ``models.codes``."""

from collections.abc import Mapping
from enum import StrEnum

from yvaxportal.forms import import_labels, mismatch_labels
from yvaxportal.models import codes
from yvaxportal.values.text import _

LABELS: Mapping[type[StrEnum], Mapping[StrEnum, str]] = {
    codes.VrsFlag: {
        codes.VrsFlag.MOVED_OUT: _("Moved out"),
        codes.VrsFlag.DECEASED: _("Deceased"),
    },
    codes.OutboxState: {
        codes.OutboxState.WAITING: _("Waits for the other system"),
        codes.OutboxState.DONE: _("Done"),
        codes.OutboxState.REFUSED: _("Refused by the other system"),
        codes.OutboxState.WITHDRAWN: _("Withdrawn"),
    },
    codes.Sex: {
        codes.Sex.UNKNOWN: _("Sex not known"),
        codes.Sex.MALE: _("Male"),
        codes.Sex.FEMALE: _("Female"),
    },
    codes.ResidentCategory: {
        codes.ResidentCategory.RESIDENT: _("Resident"),
        codes.ResidentCategory.MOVED_OUT: _("Moved out"),
        codes.ResidentCategory.DECEASED: _("Deceased"),
        codes.ResidentCategory.REMOVED: _("Removed from the register"),
        codes.ResidentCategory.NON_REGISTERED: _("Not in the resident register"),
    },
    codes.ForeignResidentCategory: {
        codes.ForeignResidentCategory.MID_TO_LONG_TERM: _("Mid- to long-term resident"),
        codes.ForeignResidentCategory.SPECIAL_PERMANENT: _("Special permanent resident"),
        codes.ForeignResidentCategory.TEMPORARY_REFUGE: _("Landing permission for temporary refuge"),
        codes.ForeignResidentCategory.PROVISIONAL_STAY: _("Permitted to stay provisionally"),
        codes.ForeignResidentCategory.TRANSITIONAL: _(
            "Transitional resident by birth or loss of nationality"
        ),
    },
    codes.NameKind: {
        codes.NameKind.KANJI: _("Name in kanji"),
        codes.NameKind.KANA: _("Name in kana"),
        codes.NameKind.ALPHABET: _("Name in the alphabet"),
        codes.NameKind.ALIAS: _("Alias"),
        codes.NameKind.FORMER: _("Former name"),
    },
    codes.EligibilityKind: {
        codes.EligibilityKind.NATIONAL_HEALTH_INSURANCE: _("National health insurance"),
        codes.EligibilityKind.LATE_ELDERLY_INSURANCE: _("Late-stage elderly insurance"),
        codes.EligibilityKind.PUBLIC_ASSISTANCE: _("Public assistance"),
        codes.EligibilityKind.TAX_EXEMPT: _("Resident tax"),
        codes.EligibilityKind.PHYSICAL_DISABILITY_CERTIFICATE: _("Physical disability certificate"),
    },
    codes.EligibilityState: {
        codes.EligibilityState.HELD: _("Held"),
        codes.EligibilityState.NOT_HELD: _("Not held"),
        codes.EligibilityState.EXEMPT: _("Tax-exempt"),
        codes.EligibilityState.TAXED: _("Taxed"),
        codes.EligibilityState.NOT_FILED: _("Income not declared"),
        codes.EligibilityState.UNKNOWN: _("State not known"),
    },
    codes.RecordGroup: {
        codes.RecordGroup.INFANT: _("Infants and children"),
        codes.RecordGroup.ELDERLY: _("Adults and elderly"),
        codes.RecordGroup.COVID19: _("COVID-19"),
    },
    codes.Judgement: {
        codes.Judgement.GIVEN: _("Given"),
        codes.Judgement.UNFIT: _("Unfit, not given"),
        codes.Judgement.DEFERRED: _("Deferred that day"),
        codes.Judgement.EXAM_ONLY: _("Examined only"),
        codes.Judgement.DECLINED: _("Declined"),
    },
    codes.DeliveryCategory: {
        codes.DeliveryCategory.INDIVIDUAL: _("Individual"),
        codes.DeliveryCategory.GROUP: _("Mass clinic"),
        codes.DeliveryCategory.WIDE_AREA: _("Wide area within the prefecture"),
        codes.DeliveryCategory.OUT_OF_PREFECTURE: _("Outside the prefecture, by letter of request"),
        codes.DeliveryCategory.REIMBURSEMENT: _("Reimbursed"),
        codes.DeliveryCategory.FACILITY: _("In a care facility"),
    },
    codes.CircumstanceKind: {
        codes.CircumstanceKind.DISEASE_HISTORY: _("Disease had"),
        codes.CircumstanceKind.RISK_GROUP: _("Risk group (aged 60 to 64)"),
        codes.CircumstanceKind.LONG_ILLNESS: _("Long illness"),
        codes.CircumstanceKind.PREGNANCY: _("Pregnancy"),
        codes.CircumstanceKind.ANTIBODY_LOW: _("Low antibody"),
        codes.CircumstanceKind.CONTRAINDICATION: _("Contraindication"),
        codes.CircumstanceKind.HBV_MOTHER: _("Mother carries hepatitis B"),
        codes.CircumstanceKind.NO_INVITATION: _("Nothing to be posted"),
    },
    codes.ExtractionState: {
        codes.ExtractionState.SAVED: _("Saved"),
        codes.ExtractionState.WITHDRAWN: _("Withdrawn"),
    },
    codes.MemberStanding: {
        codes.MemberStanding.BY_RULES: _("By the rules"),
        codes.MemberStanding.ADDED: _("Added by hand"),
        codes.MemberStanding.REMOVED: _("Removed by hand"),
    },
    codes.DoseCategory: {
        codes.DoseCategory.ROUTINE: _("Routine"),
        codes.DoseCategory.VOLUNTARY: _("Voluntary"),
        codes.DoseCategory.SUBSIDISED: _("Voluntary, subsidised"),
        codes.DoseCategory.TEMPORARY: _("Temporary programme"),
    },
    codes.IneligibilityJudgement: {
        codes.IneligibilityJudgement.MOVED_OUT: _("Moved out"),
        codes.IneligibilityJudgement.DECEASED: _("Deceased"),
        codes.IneligibilityJudgement.AGE: _("Outside the age"),
        codes.IneligibilityJudgement.INTERVAL: _("Interval too short"),
        codes.IneligibilityJudgement.DISEASE_HISTORY: _("Has had the disease"),
        codes.IneligibilityJudgement.ALREADY_GIVEN: _("Already given"),
        codes.IneligibilityJudgement.CONTRAINDICATED: _("Contraindicated"),
        codes.IneligibilityJudgement.DUPLICATE: _("Duplicate"),
        codes.IneligibilityJudgement.NOT_REGISTERED: _("Not in the resident register"),
        codes.IneligibilityJudgement.OTHER: _("Other"),
    },
    codes.PneumococcalType: {
        codes.PneumococcalType.V7: _("7-valent"),
        codes.PneumococcalType.V13: _("13-valent"),
        codes.PneumococcalType.V15: _("15-valent"),
        codes.PneumococcalType.V20: _("20-valent"),
        codes.PneumococcalType.V23: _("23-valent"),
    },
    codes.VaccinationStatus: {
        codes.VaccinationStatus.DONE: _("Vaccinated"),
        codes.VaccinationStatus.NOT_DONE: _("Not vaccinated"),
    },
    codes.DoseState: {
        codes.DoseState.ACTIVE: _("Valid record"),
        codes.DoseState.CANCELLED: _("Cancelled"),
    },
    codes.DoseSource: {
        codes.DoseSource.FORM: _("Entered by form"),
        codes.DoseSource.FILE: _("Imported from a file"),
        codes.DoseSource.VRS: _("Vaccination Record System"),
        codes.DoseSource.MUNICIPALITY: _("From another municipality"),
        codes.DoseSource.MIGRATION: _("Carried over from the previous system"),
    },
    codes.IdentityCheckMethod: {
        codes.IdentityCheckMethod.INTERVIEW_FORM: _("By the questionnaire"),
        codes.IdentityCheckMethod.COUNTER: _("At the counter"),
        codes.IdentityCheckMethod.INSTITUTION_LIST: _("By the institution's list"),
    },
    codes.IdentityDocument: {
        codes.IdentityDocument.QUESTIONNAIRE_MATCHED: _("Questionnaire matched with the register"),
        codes.IdentityDocument.MY_NUMBER_CARD: _("My Number card"),
        codes.IdentityDocument.DRIVING_LICENCE: _("Driving licence"),
        codes.IdentityDocument.PASSPORT: _("Passport"),
        codes.IdentityDocument.RESIDENCE_CARD: _("Residence card"),
        codes.IdentityDocument.INSURANCE_CERTIFICATE: _("Health insurance certificate"),
        codes.IdentityDocument.MATERNAL_HANDBOOK: _("Maternal and child health handbook"),
        codes.IdentityDocument.TWO_OTHER_DOCUMENTS: _("Two other documents"),
    },
    codes.TicketState: {
        codes.TicketState.ISSUED: _("Issued"),
        codes.TicketState.USED: _("Used"),
        codes.TicketState.VOID: _("Void"),
    },
    codes.LetterKind: {
        codes.LetterKind.TICKET: _("Vaccination ticket"),
        codes.LetterKind.QUESTIONNAIRE: _("Pre-vaccination questionnaire"),
        codes.LetterKind.INVITATION: _("Invitation postcard"),
        codes.LetterKind.REMINDER: _("Reminder postcard"),
        codes.LetterKind.RECORD_CERTIFICATE: _("Vaccination record certificate"),
    },
    codes.LetterRunState: {
        codes.LetterRunState.QUEUED: _("Waits to be made"),
        codes.LetterRunState.MAKING: _("Being made"),
        codes.LetterRunState.MADE: _("Made"),
        codes.LetterRunState.SENT: _("Sent"),
        codes.LetterRunState.FAILED: _("Failed"),
        codes.LetterRunState.CANCELLED: _("Called off"),
    },
    codes.LetterState: {
        codes.LetterState.PRINTED: _("Printed"),
        codes.LetterState.HELD: _("Held back"),
        codes.LetterState.DROPPED: _("Dropped"),
        codes.LetterState.SPOILED: _("Spoiled"),
        codes.LetterState.SENT: _("Sent"),
    },
    codes.CertificateKind: {
        codes.CertificateKind.DOMESTIC: _("For use in Japan"),
        codes.CertificateKind.TRAVEL: _("For travel abroad"),
    },
    codes.CertificateState: {
        codes.CertificateState.VALID: _("Valid"),
        codes.CertificateState.VOID: _("Void"),
    },
    codes.ImportState: {state: label for state, (label, _kind) in import_labels.STATES.items()},
    codes.ImportRowState: {state: label for state, (label, _kind) in import_labels.ROW_STATES.items()},
    codes.ImportDecision: import_labels.DECISIONS,
    codes.ImportOutcome: import_labels.OUTCOMES,
    codes.SecondEntryState: {state: label for state, (label, _kind) in mismatch_labels.ENTRY_STATES.items()},
    codes.SecondEntryChoice: mismatch_labels.CHOICES,
    codes.SettledBy: mismatch_labels.SETTLED,
    codes.SampleVerdict: mismatch_labels.VERDICTS,
    codes.ExtractionJobKind: {
        codes.ExtractionJobKind.REFRESH: _("Asking the registers"),
        codes.ExtractionJobKind.TRY: _("Trial run"),
        codes.ExtractionJobKind.SAVE: _("Saving the list"),
    },
    codes.ExtractionJobState: {
        codes.ExtractionJobState.QUEUED: _("Waits for the worker"),
        codes.ExtractionJobState.RUNNING: _("Under way"),
        codes.ExtractionJobState.DONE: _("Done"),
        codes.ExtractionJobState.FAILED: _("Not done"),
        codes.ExtractionJobState.CANCELLED: _("Called off"),
    },
    codes.DoubleState: {
        codes.DoubleState.OPEN: _("To be decided"),
        codes.DoubleState.TOLD: _("Told to the register"),
        codes.DoubleState.DIFFERENT: _("Not the same person"),
        codes.DoubleState.MERGED: _("Merged"),
    },
    codes.MergeSource: {
        codes.MergeSource.REGISTER: _("Resident register"),
        codes.MergeSource.ATENA: _("Atena system"),
        codes.MergeSource.STAFF: _("Recorded by staff"),
    },
    codes.OutputState: {
        codes.OutputState.QUEUED: _("Waits to be made"),
        codes.OutputState.MAKING: _("Being made"),
        codes.OutputState.AWAITING_APPROVAL: _("Waits for approval"),
        codes.OutputState.READY: _("Ready to be taken"),
        codes.OutputState.REFUSED: _("Refused and wiped"),
        codes.OutputState.FAILED: _("Could not be made"),
        codes.OutputState.CANCELLED: _("Called off"),
        codes.OutputState.WIPED: _("Wiped"),
    },
    codes.MediumKind: {
        codes.MediumKind.USB_MEMORY: _("USB memory"),
        codes.MediumKind.PORTABLE_DISK: _("Portable disk"),
        codes.MediumKind.OPTICAL_DISC: _("Optical disc"),
    },
    codes.MediumState: {
        codes.MediumState.AVAILABLE: _("In its place"),
        codes.MediumState.LENT: _("In use"),
        codes.MediumState.LOST: _("Lost"),
        codes.MediumState.DISPOSED: _("Disposed of"),
    },
    codes.ReportSubject: {
        codes.ReportSubject.DOSE: _("Doses"),
        codes.ReportSubject.RESIDENT: _("Residents"),
    },
    codes.Outcome: {
        codes.Outcome.DONE: _("Done"),
        codes.Outcome.REFUSED: _("Refused"),
        codes.Outcome.FAILED: _("Failed"),
    },
}


def label(code: object) -> str:
    """Return the message id of a code; TypeError for anything that is no code of ``models.codes``."""
    if not isinstance(code, StrEnum) or type(code) not in LABELS:
        raise TypeError(f"no code list holds a {type(code).__name__}")
    return LABELS[type(code)][code]


def choices(codes_of: type[StrEnum]) -> list[tuple[str, str]]:
    """Return (value, label) of every code of a list, in the order of its definition."""
    return [(member.value, LABELS[codes_of][member]) for member in codes_of]
