"""The resource tree: every page has a place in it, and every place says who may do what there.

No right is inherited: each node lists its own permissions and ends with a denial, so that a grant made
for one place never reaches another (a personal number, an address under a support measure).
"""

from collections.abc import Iterable
from typing import ClassVar

from pyramid.authorization import DENY_ALL, Allow, Authenticated
from pyramid.httpexceptions import HTTPForbidden

from yvaxportal.models.double import ResidentDouble
from yvaxportal.models.extraction import ExtractionJob
from yvaxportal.models.imports import ImportBatch
from yvaxportal.models.mismatch import SampleCheck
from yvaxportal.models.output import Output, StorageMedium
from yvaxportal.request import PortalRequest
from yvaxportal.security.permissions import Permission as P
from yvaxportal.services.accounts import account_by_login
from yvaxportal.services.doubles.merges import MergeRow, merge_of
from yvaxportal.services.extraction.jobs import job_of
from yvaxportal.services.extraction.lists import ListRow, list_of
from yvaxportal.services.letters.runs import RunRow, run_of
from yvaxportal.services.residents import ResidentRow, find_by_atena_number

Ace = tuple[str, str, object]

_TOO_MANY_DIGITS = 19


def _id(name: str) -> int:
    """Return the id that a segment of a path is; KeyError for anything else."""
    if not (name.isascii() and name.isdigit() and len(name) < 19):  # noqa: PLR2004 - fits a bigint
        raise KeyError(name)
    return int(name)


class Node:
    """A place in the tree. ``permissions`` are the ones that mean something here."""

    permissions: ClassVar[tuple[P, ...]] = ()
    children: ClassVar[dict[str, type["Node"]]] = {}

    def __init__(self, parent: "Node | None", name: str, request: PortalRequest) -> None:
        self.__parent__ = parent
        self.__name__ = name
        self.request = request

    def allow(self, granted: P, *, when: P | None = None) -> Iterable[Ace]:
        """Give ``granted`` here to the groups that hold ``when`` (by default the same permission)."""
        for group in self.request.grants.get(when or granted, ()):
            yield (Allow, f"group:{group}", granted)

    def __acl__(self) -> list[Ace]:
        entries: list[Ace] = [(Allow, Authenticated, P.SIGNED_IN)]
        for permission in self.permissions:
            entries.extend(self.allow(permission))
        entries.append(DENY_ALL)
        return entries

    def __getitem__(self, name: str) -> "Node":
        return self.children[name](self, name, self.request)


def is_id(name: str) -> bool:
    """Tell whether a name in the path is an id of ours: ASCII digits that fit a bigint."""
    return name.isascii() and name.isdigit() and len(name) < _TOO_MANY_DIGITS


class ResidentPart(Node):
    """A node below one resident."""

    @property
    def resident_node(self) -> "Resident":
        """Return the node of the resident this one belongs to."""
        node: Node | None = self
        while not isinstance(node, Resident):
            if node is None:
                raise LookupError("a part of a resident stands outside any resident")
            node = node.__parent__
        return node

    @property
    def resident(self) -> ResidentRow:
        """Return the resident this node belongs to."""
        return self.resident_node.resident


class PersonalNumber(ResidentPart):
    """The personal number: the only node through which it can be read or entered (M12)."""

    permissions = (P.PERSONAL_NUMBER_READ, P.PERSONAL_NUMBER_ENTER)


class DoseNode(ResidentPart):
    """One dose, by its id; the view answers 404 when it belongs to somebody else."""

    permissions = (P.DOSE_VIEW, P.DOSE_CORRECT, P.DOSE_CANCEL)

    @property
    def dose_id(self) -> int:
        """Return the id in the path."""
        return int(self.__name__)


class Doses(ResidentPart):
    """The doses of a resident."""

    permissions = (P.DOSE_VIEW, P.DOSE_RECORD)

    def __getitem__(self, name: str) -> Node:
        if not (name.isascii() and name.isdigit() and len(name) < 19):  # noqa: PLR2004 - fits a bigint
            raise KeyError(name)
        return DoseNode(self, name, self.request)


class Tickets(ResidentPart):
    """The tickets of a resident."""

    permissions = (P.TICKET_VIEW, P.TICKET_ISSUE)


class Certificates(ResidentPart):
    """The COVID-19 certificates of a resident, passport details included."""

    permissions = (P.CERTIFICATE_VIEW, P.CERTIFICATE_EDIT)


class EligibilityNode(ResidentPart):
    """Insurance, taxation and welfare states of a resident."""

    permissions = (P.ELIGIBILITY_VIEW, P.ELIGIBILITY_EDIT)


class ForeignDetails(ResidentPart):
    """What only a foreign resident has: nationality, status, card number."""

    permissions = (P.FOREIGN_VIEW, P.FOREIGN_EDIT)


class Notes(ResidentPart):
    """Personal remarks and follow-up."""

    permissions = (P.NOTE_VIEW, P.NOTE_EDIT)


class Contact(ResidentPart):
    """Address, school district and contact. Under a support measure only those with the stricter right."""

    permissions = (P.CONTACT_VIEW, P.CONTACT_EDIT)

    def __acl__(self) -> list[Ace]:
        if not self.resident.support_measure_flag:
            return [*super().__acl__()[:-1], *self.allow(P.SUPPORT_MEASURE_EDIT), DENY_ALL]
        return [
            (Allow, Authenticated, P.SIGNED_IN),
            *self.allow(P.CONTACT_VIEW, when=P.PROTECTED_CONTACT_VIEW),
            *self.allow(P.CONTACT_EDIT, when=P.PROTECTED_CONTACT_EDIT),
            *self.allow(P.SUPPORT_MEASURE_EDIT),
            DENY_ALL,
        ]


class CircumstanceNode(ResidentPart):
    """One special circumstance, by its id; the service knows whose it is."""

    permissions = (P.CIRCUMSTANCE_EDIT,)

    @property
    def circumstance_id(self) -> int:
        """Return the id in the path."""
        return int(self.__name__)


class Circumstances(ResidentPart):
    """The special circumstances of a resident: diseases had, risk groups, long illnesses and the like."""

    permissions = (P.CIRCUMSTANCE_VIEW, P.CIRCUMSTANCE_EDIT)

    def __getitem__(self, name: str) -> Node:
        if not is_id(name):
            raise KeyError(name)
        return CircumstanceNode(self, name, self.request)


class PastRuns(ResidentPart):
    """Why a resident was, or was not, on each list of targets."""

    permissions = (P.EXTRACTION_VIEW,)


class AccessLog(ResidentPart):
    """Who looked at this person."""

    permissions = (P.ACCESS_LOG_VIEW,)


class Resident(Node):
    """One resident, already known to exist."""

    permissions = (P.RESIDENT_VIEW, P.RESIDENT_EDIT)
    children: ClassVar = {
        "personal-number": PersonalNumber,
        "doses": Doses,
        "tickets": Tickets,
        "certificates": Certificates,
        "eligibility": EligibilityNode,
        "contact": Contact,
        "foreign": ForeignDetails,
        "notes": Notes,
        "circumstances": Circumstances,
        "extractions": PastRuns,
        "access-log": AccessLog,
    }

    def __init__(self, parent: Node, name: str, request: PortalRequest, resident: ResidentRow) -> None:
        super().__init__(parent, name, request)
        self.resident = resident


class Residents(Node):
    """All residents: the search, and the way to one of them."""

    permissions = (P.RESIDENT_SEARCH, P.RESIDENT_VIEW, P.RESIDENT_EDIT, P.ACCESS_LOG_VIEW)

    def __getitem__(self, name: str) -> Node:
        # Traversal runs before the view's check: ask first, or 403 against 404 tells who exists.
        may_know = (P.RESIDENT_VIEW, P.ACCESS_LOG_VIEW)
        if not any(self.request.has_permission(permission, self) for permission in may_know):
            raise HTTPForbidden
        resident = find_by_atena_number(self.request.db, name)
        if resident is None:
            raise KeyError(name)
        return Resident(self, name, self.request, resident)


class SearchNode(Node):
    """One search that was made; the view checks that it is the reader's own."""

    permissions = (P.RESIDENT_SEARCH,)

    @property
    def search_id(self) -> int:
        """Return the id in the path."""
        return int(self.__name__)


class Searches(Node):
    """Searches the member of staff made lately."""

    permissions = (P.RESIDENT_SEARCH,)

    def __getitem__(self, name: str) -> Node:
        if not (name.isascii() and name.isdigit() and len(name) < 19):  # noqa: PLR2004 - fits a bigint
            raise KeyError(name)
        return SearchNode(self, name, self.request)


class ExtractionNode(Node):
    """One saved list of targets, already known to exist."""

    permissions = (P.EXTRACTION_VIEW, P.EXTRACTION_MAKE, P.LETTER_MAKE, P.OUTPUT_REQUEST)

    def __init__(self, parent: Node, name: str, request: PortalRequest, row: ListRow) -> None:
        super().__init__(parent, name, request)
        self.row = row


class ExtractionJobNode(Node):
    """What a worker does about a list that is not saved yet, already known to exist; figures, nobody."""

    permissions = (P.EXTRACTION_MAKE,)

    def __init__(self, parent: Node, name: str, request: PortalRequest, job: ExtractionJob) -> None:
        super().__init__(parent, name, request)
        self.job = job


class ExtractionJobs(Node):
    """The way to what a worker does about lists."""

    permissions = (P.EXTRACTION_MAKE,)

    def __getitem__(self, name: str) -> Node:
        if not self.request.has_permission(P.EXTRACTION_MAKE, self):
            raise HTTPForbidden
        job = job_of(self.request.db, int(name)) if is_id(name) else None
        if job is None:
            raise KeyError(name)
        return ExtractionJobNode(self, name, self.request, job)


class Extractions(Node):
    """Saved lists of targets, and the way to one of them."""

    permissions = (P.EXTRACTION_VIEW, P.EXTRACTION_MAKE)

    def __getitem__(self, name: str) -> Node:
        if name == "jobs":
            return ExtractionJobs(self, name, self.request)
        if not self.request.has_permission(P.EXTRACTION_VIEW, self):
            raise HTTPForbidden
        row = list_of(self.request.db, int(name)) if is_id(name) else None
        if row is None:
            raise KeyError(name)
        return ExtractionNode(self, name, self.request, row)


class LetterRunNode(Node):
    """One run of letters, already known to exist."""

    permissions = (P.LETTER_VIEW, P.LETTER_MAKE, P.LETTER_RELEASE)

    def __init__(self, parent: Node, name: str, request: PortalRequest, run: RunRow) -> None:
        super().__init__(parent, name, request)
        self.run = run


class Letters(Node):
    """Runs of letters, and the way to one of them."""

    permissions = (P.LETTER_VIEW, P.LETTER_MAKE)

    def __getitem__(self, name: str) -> Node:
        if not self.request.has_permission(P.LETTER_VIEW, self):
            raise HTTPForbidden
        run = run_of(self.request.db, int(name)) if is_id(name) else None
        if run is None:
            raise KeyError(name)
        return LetterRunNode(self, name, self.request, run)


class DoubleNode(Node):
    """Two numbers that may be one person, already known to be listed."""

    permissions = (P.DOUBLE_VIEW, P.DOUBLE_DECIDE, P.DOUBLE_MERGE)

    def __init__(self, parent: Node, name: str, request: PortalRequest, double: ResidentDouble) -> None:
        super().__init__(parent, name, request)
        self.double = double


class MergeNode(Node):
    """One merge of two numbers, already known to have been made."""

    permissions = (P.DOUBLE_VIEW, P.DOUBLE_MERGE)

    def __init__(self, parent: Node, name: str, request: PortalRequest, row: MergeRow) -> None:
        super().__init__(parent, name, request)
        self.row = row


class Merges(Node):
    """What was merged, and the way to one of them."""

    permissions = (P.DOUBLE_VIEW,)

    def __getitem__(self, name: str) -> Node:
        if not self.request.has_permission(P.DOUBLE_VIEW, self):
            raise HTTPForbidden
        row = merge_of(self.request.db, int(name)) if is_id(name) else None
        if row is None:
            raise KeyError(name)
        return MergeNode(self, name, self.request, row)


class Doubles(Node):
    """Numbers that may be one person, what was merged, and the way to both."""

    permissions = (P.DOUBLE_VIEW, P.DOUBLE_DECIDE)

    def __getitem__(self, name: str) -> Node:
        if not self.request.has_permission(P.DOUBLE_VIEW, self):
            raise HTTPForbidden
        if name == "merges":
            return Merges(self, name, self.request)
        double = self.request.db.get(ResidentDouble, int(name)) if is_id(name) else None
        if double is None:
            raise KeyError(name)
        return DoubleNode(self, name, self.request, double)


class VaultNode(Node):
    """Looking a person up by personal number: a POST, never a URL."""

    permissions = (P.PERSONAL_NUMBER_LOOK_UP,)


class AuditLog(Node):
    """The audit log."""

    permissions = (P.AUDIT_VIEW,)


class Connections(Node):
    """The connections to other systems: how they stand, and what was refused."""

    permissions = (P.CONNECTION_VIEW, P.CONNECTION_RUN)


class ImportRowNode(Node):
    """One row of a file of doses, with whoever it may be about; never the sender's."""

    permissions = (P.IMPORT_VIEW, P.IMPORT_REVIEW, P.IMPORT_UNDO)

    @property
    def number(self) -> int:
        """Return the row's number in the path."""
        return int(self.__name__)

    def __init__(self, rows: "ImportRows", name: str, request: PortalRequest) -> None:
        super().__init__(rows, name, request)
        self.rows = rows

    @property
    def batch(self) -> ImportBatch:
        """Return the file."""
        return self.rows.batch


class ImportRows(Node):
    """The rows of a file of doses, as those who review see them."""

    permissions = (P.IMPORT_VIEW, P.IMPORT_REVIEW)

    def __init__(self, file: "ImportNode", name: str, request: PortalRequest) -> None:
        super().__init__(file, name, request)
        self.file = file

    @property
    def batch(self) -> ImportBatch:
        """Return the file."""
        return self.file.batch

    def __getitem__(self, name: str) -> Node:
        if not (name.isascii() and name.isdigit() and len(name) < 10):  # noqa: PLR2004 - fits an integer
            raise KeyError(name)
        return ImportRowNode(self, name, self.request)


class ImportNode(Node):
    """One file of doses. Whoever sent it sees how it stands, without the right to see everybody's (M44)."""

    permissions = (P.IMPORT_VIEW, P.IMPORT_APPLY, P.IMPORT_UNDO)

    def __init__(self, parent: Node, name: str, request: PortalRequest, batch: ImportBatch) -> None:
        super().__init__(parent, name, request)
        self.batch = batch

    def __getitem__(self, name: str) -> Node:
        if name != "rows":
            raise KeyError(name)
        return ImportRows(self, name, self.request)

    @property
    def is_own(self) -> bool:
        """Tell whether whoever asks sent the file."""
        identity = self.request.identity
        return identity is not None and identity.staff_id == self.batch.uploaded_by

    def __acl__(self) -> list[Ace]:
        entries = super().__acl__()[:-1]
        if self.is_own:
            entries += [*self.allow(P.IMPORT_SEND), *self.allow(P.IMPORT_VIEW, when=P.IMPORT_SEND)]
        return [*entries, DENY_ALL]


class Imports(Node):
    """The files of doses: the reader's own, or everybody's."""

    permissions = (P.IMPORT_SEND, P.IMPORT_VIEW)

    def __acl__(self) -> list[Ace]:
        return [*super().__acl__()[:-1], *self.allow(P.IMPORT_VIEW, when=P.IMPORT_SEND), DENY_ALL]

    @property
    def sees_all(self) -> bool:
        """Tell whether the reader sees everybody's files."""
        return P.IMPORT_VIEW in self.request.own_permissions

    def __getitem__(self, name: str) -> Node:
        if not self.request.has_permission(P.IMPORT_VIEW, self):
            raise HTTPForbidden
        if not (name.isascii() and name.isdigit() and len(name) < 19):  # noqa: PLR2004 - fits a bigint
            raise KeyError(name)
        batch = self.request.db.get(ImportBatch, int(name))
        if batch is None:
            raise KeyError(name)
        node = ImportNode(self, name, self.request, batch)
        if not (self.sees_all or node.is_own):
            # Somebody else's file is not there, for whoever sees only their own.
            raise KeyError(name)
        return node


class SampleNode(Node):
    """One sample of recorded rows, already known to exist; its parts are the places of the rows drawn."""

    permissions = (P.IMPORT_VIEW, P.IMPORT_REVIEW)

    def __init__(self, parent: Node, name: str, request: PortalRequest, check: SampleCheck) -> None:
        super().__init__(parent, name, request)
        self.check = check


class Samples(Node):
    """The samples of recorded rows that are compared with the paper."""

    permissions = (P.IMPORT_VIEW, P.IMPORT_REVIEW)

    def __getitem__(self, name: str) -> Node:
        if not self.request.has_permission(P.IMPORT_VIEW, self):
            raise HTTPForbidden
        check = self.request.db.get(SampleCheck, _id(name))
        if check is None:
            raise KeyError(name)
        return SampleNode(self, name, self.request, check)


class MismatchDesk(Node):
    """The doubtful rows of all files, and the samples; never a sender's."""

    permissions = (P.IMPORT_VIEW, P.IMPORT_REVIEW)
    children: ClassVar = {"samples": Samples}


class SecondEntryFile(Node):
    """One file of which rows are typed a second time."""

    permissions = (P.IMPORT_SECOND_ENTRY, P.IMPORT_REVIEW)

    def __init__(self, parent: Node, name: str, request: PortalRequest, batch: ImportBatch) -> None:
        super().__init__(parent, name, request)
        self.batch = batch


class SecondEntries(Node):
    """The files of which rows are typed a second time."""

    permissions = (P.IMPORT_SECOND_ENTRY, P.IMPORT_REVIEW)

    def __getitem__(self, name: str) -> Node:
        may = (P.IMPORT_SECOND_ENTRY, P.IMPORT_REVIEW)
        if not any(self.request.has_permission(permission, self) for permission in may):
            raise HTTPForbidden
        batch = self.request.db.get(ImportBatch, _id(name))
        if batch is None:
            raise KeyError(name)
        return SecondEntryFile(self, name, self.request, batch)


class SnapshotNode(Node):
    """One frozen table, by its id; the view answers 404 when it belongs to another report."""

    permissions = (P.REPORT_VIEW, P.REPORT_MAKE, P.REPORT_PEOPLE, P.OUTPUT_REQUEST)

    @property
    def report(self) -> str:
        """Return the code of the report in the path."""
        return "" if self.__parent__ is None else str(self.__parent__.__name__)

    @property
    def snapshot_id(self) -> int:
        """Return the id in the path."""
        return int(self.__name__)


class ReportNode(Node):
    """One report: its figures now, and its frozen tables."""

    permissions = (P.REPORT_VIEW, P.REPORT_MAKE)

    def __getitem__(self, name: str) -> Node:
        if not (name.isascii() and name.isdigit() and len(name) < 19):  # noqa: PLR2004 - fits a bigint
            raise KeyError(name)
        return SnapshotNode(self, name, self.request)


class Reports(Node):
    """The national tables."""

    permissions = (P.REPORT_VIEW, P.REPORT_MAKE, P.REPORT_PEOPLE)

    def __getitem__(self, name: str) -> Node:
        if self.request.portal.reports.get(name) is None:
            raise KeyError(name)
        return ReportNode(self, name, self.request)


class Dashboard(Node):
    """Coverage over the months, and what waits for whom."""

    permissions = (P.REPORT_VIEW,)


class Fees(Node):
    """What institutions claimed for a month."""

    permissions = (P.FEE_VIEW,)


class OutputNode(Node):
    """One file that leaves. Its requester may take it, somebody else may decide on it."""

    permissions = (P.OUTPUT_VIEW, P.OUTPUT_REQUEST, P.OUTPUT_APPROVE)

    def __init__(self, parent: Node, name: str, request: PortalRequest, output: Output) -> None:
        super().__init__(parent, name, request)
        self.output = output

    def __acl__(self) -> list[Ace]:
        own = self.request.identity.staff_id == self.output.requested_by
        deeds = P.OUTPUT_REQUEST if own else P.OUTPUT_APPROVE
        return [
            (Allow, Authenticated, P.SIGNED_IN),
            *self.allow(P.OUTPUT_VIEW),
            *self.allow(P.OUTPUT_VIEW, when=deeds),
            *self.allow(deeds),
            DENY_ALL,
        ]


class Outputs(Node):
    """The register of files that leave. Whoever may ask for or approve files may open it (see the view)."""

    permissions = (P.OUTPUT_VIEW, P.OUTPUT_REQUEST, P.OUTPUT_APPROVE)

    def __acl__(self) -> list[Ace]:
        return [
            (Allow, Authenticated, P.SIGNED_IN),
            *self.allow(P.OUTPUT_VIEW),
            *self.allow(P.OUTPUT_VIEW, when=P.OUTPUT_REQUEST),
            *self.allow(P.OUTPUT_VIEW, when=P.OUTPUT_APPROVE),
            *self.allow(P.OUTPUT_REQUEST),
            DENY_ALL,
        ]

    def __getitem__(self, name: str) -> Node:
        if not self.request.has_permission(P.OUTPUT_VIEW, self):
            raise HTTPForbidden
        output = self.request.db.get(Output, _id(name))
        if output is None:
            raise KeyError(name)
        return OutputNode(self, name, self.request, output)


class MediumNode(Node):
    """One storage medium of the register."""

    permissions = (P.MEDIUM_VIEW, P.MEDIUM_USE, P.MEDIUM_APPROVE, P.MEDIUM_MANAGE)

    def __init__(self, parent: Node, name: str, request: PortalRequest, medium: StorageMedium) -> None:
        super().__init__(parent, name, request)
        self.medium = medium


class Media(Node):
    """The register of storage media."""

    permissions = (P.MEDIUM_VIEW, P.MEDIUM_USE, P.MEDIUM_APPROVE, P.MEDIUM_MANAGE)

    def __getitem__(self, name: str) -> Node:
        if not self.request.has_permission(P.MEDIUM_VIEW, self):
            raise HTTPForbidden
        medium = self.request.db.get(StorageMedium, _id(name))
        if medium is None:
            raise KeyError(name)
        return MediumNode(self, name, self.request, medium)


class AccountNode(Node):
    """One staff account."""

    permissions = (P.ACCOUNT_MANAGE,)

    @property
    def login(self) -> str:
        """Return the login in the path."""
        return str(self.__name__)


class Accounts(Node):
    """Staff accounts."""

    permissions = (P.ACCOUNT_MANAGE,)

    def __getitem__(self, name: str) -> Node:
        if not self.request.has_permission(P.ACCOUNT_MANAGE, self):
            raise HTTPForbidden
        if account_by_login(self.request.db, name) is None:
            raise KeyError(name)
        return AccountNode(self, name, self.request)


class Groups(Node):
    """The matrix of groups and permissions, and the terminals of each group."""

    permissions = (P.ACL_VIEW, P.ACL_EDIT)


class OwnAccount(Node):
    """What a member of staff does with their own account."""


class Institutions(Node):
    """The look-up of medical institutions."""

    permissions = (P.DOSE_VIEW,)


class Root(Node):
    """The portal itself. Sign-in pages stand here and say so by ``NO_PERMISSION_REQUIRED``."""

    children: ClassVar = {
        "residents": Residents,
        "searches": Searches,
        "doubles": Doubles,
        "extractions": Extractions,
        "letters": Letters,
        "vault": VaultNode,
        "audit": AuditLog,
        "imports": Imports,
        "mismatch": MismatchDesk,
        "second-entry": SecondEntries,
        "dashboard": Dashboard,
        "reports": Reports,
        "fees": Fees,
        "outputs": Outputs,
        "media": Media,
        "connections": Connections,
        "accounts": Accounts,
        "groups": Groups,
        "account": OwnAccount,
        "institutions": Institutions,
    }

    def __init__(self, request: PortalRequest) -> None:
        super().__init__(None, "", request)
