"""The tables. Importing the package registers every one of them on ``Base.metadata``."""

from yvaxportal.models.atena import AdapterKey, AtenaPerson
from yvaxportal.models.audit import AuditEvent, AuditLeaf, AuditSeal
from yvaxportal.models.base import Base
from yvaxportal.models.chukan import (
    ChukanBatch,
    ChukanCode,
    ChukanExchangeRecord,
    ChukanInquiry,
    ChukanPermittedInquiry,
    ChukanProvision,
    ChukanStatistic,
    ChukanSubCopy,
)
from yvaxportal.models.circumstance import SpecialCircumstance
from yvaxportal.models.dose import Dose, DoseRevision, IdentityCheck, MedicalInstitution
from yvaxportal.models.double import DoubleSearch, ResidentDouble
from yvaxportal.models.extraction import ExtractionJob, ExtractionMember, TargetExtraction
from yvaxportal.models.imports import (
    DoseSourceRecord,
    ImportBatch,
    ImportFilePart,
    ImportMapping,
    ImportProgress,
    ImportRow,
    ImportRowEvent,
)
from yvaxportal.models.letter import Letter, LetterRun
from yvaxportal.models.mismatch import (
    SampleCheck,
    SampleCheckRow,
    SecondEntry,
    SecondEntryField,
    SecondEntryPlan,
)
from yvaxportal.models.outbox import OutboxMessage
from yvaxportal.models.output import MediumLoan, Output, OutputDownload, OutputPerson, StorageMedium
from yvaxportal.models.report import ReportCell, ReportMember, ReportSnapshot
from yvaxportal.models.resident import (
    Eligibility,
    EligibilityAnswer,
    ForeignResident,
    Resident,
    ResidentContact,
    ResidentName,
    ResidentNote,
    SupportMeasure,
)
from yvaxportal.models.search import SearchRequest
from yvaxportal.models.staff import (
    AclGrant,
    AclProposal,
    AclVersion,
    GroupMembership,
    PasswordHistory,
    SignInThrottle,
    StaffAccount,
    StaffGroup,
    StaffSession,
    TerminalNetwork,
)
from yvaxportal.models.sync import (
    AppliedChange,
    RegisterVersion,
    ResidentMerge,
    SyncRefusal,
    SyncState,
)
from yvaxportal.models.ticket import Certificate, PassportDetails, Ticket
from yvaxportal.models.vault import VaultEntry
from yvaxportal.models.vrs import VrsCertificate, VrsDeletedDose, VrsDose, VrsTicket

__all__ = [
    "AclGrant",
    "AclProposal",
    "AclVersion",
    "AdapterKey",
    "AppliedChange",
    "AtenaPerson",
    "AuditEvent",
    "AuditLeaf",
    "AuditSeal",
    "Base",
    "Certificate",
    "ChukanBatch",
    "ChukanCode",
    "ChukanExchangeRecord",
    "ChukanInquiry",
    "ChukanPermittedInquiry",
    "ChukanProvision",
    "ChukanStatistic",
    "ChukanSubCopy",
    "Dose",
    "DoseRevision",
    "DoseSourceRecord",
    "DoubleSearch",
    "Eligibility",
    "EligibilityAnswer",
    "ExtractionJob",
    "ExtractionMember",
    "ForeignResident",
    "GroupMembership",
    "IdentityCheck",
    "ImportBatch",
    "ImportFilePart",
    "ImportMapping",
    "ImportProgress",
    "ImportRow",
    "ImportRowEvent",
    "Letter",
    "LetterRun",
    "MedicalInstitution",
    "MediumLoan",
    "OutboxMessage",
    "Output",
    "OutputDownload",
    "OutputPerson",
    "PassportDetails",
    "PasswordHistory",
    "RegisterVersion",
    "ReportCell",
    "ReportMember",
    "ReportSnapshot",
    "Resident",
    "ResidentContact",
    "ResidentDouble",
    "ResidentMerge",
    "ResidentName",
    "ResidentNote",
    "SampleCheck",
    "SampleCheckRow",
    "SearchRequest",
    "SecondEntry",
    "SecondEntryField",
    "SecondEntryPlan",
    "SignInThrottle",
    "SpecialCircumstance",
    "StaffAccount",
    "StaffGroup",
    "StaffSession",
    "StorageMedium",
    "SupportMeasure",
    "SyncRefusal",
    "SyncState",
    "TargetExtraction",
    "TerminalNetwork",
    "Ticket",
    "VaultEntry",
    "VrsCertificate",
    "VrsDeletedDose",
    "VrsDose",
    "VrsTicket",
]
