"""What the intermediate server (中間サーバー) is asked and tells, as a connected system sees it.

The linkage codes (符号) themselves never reach the portal: it learns only whether there is one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from yvaxportal.models.chukan_codes import CodeState, InquiryState, ProvisionState

__all__ = [
    "BatchState",
    "CodeState",
    "ExchangeRecord",
    "ExpiredDeletion",
    "InformationItem",
    "InquiryAnswer",
    "InquiryState",
    "InquiryStatus",
    "InquirySubject",
    "LinkageCodeState",
    "OperatorRights",
    "PermittedInquiry",
    "ProvisionRequest",
    "ProvisionState",
    "ServerStatistics",
    "SubCopy",
    "SubCopyOutcome",
]


@dataclass(frozen=True, slots=True)
class LinkageCodeState:
    """The linkage code of one person.

    :param since: when the state began; for ``none`` when it was asked.
    """

    atena_number: str
    state: CodeState
    since: datetime


@dataclass(frozen=True, slots=True)
class InquirySubject:
    """What is asked, of whom, on which ground: the four-tuple of the permitted-inquiry list, and the person.

    :param affair_code: 事務コード, 16 of ``0-9A-Z`` like the next two.
    :param procedure_code: 事務手続コード.
    :param information_name_code: 特定個人情報名コード.
    :param provider_code: organisation asked (情報提供者機関コード), 3 to 16 of ``0-9A-Z``, the first two its
        kind (``provider_kind`` of the permitted-inquiry list).
    :param first_day: with ``last_day`` the period asked about, both days included.
    """

    atena_number: str
    affair_code: str
    procedure_code: str
    information_name_code: str
    provider_code: str
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class InquiryStatus:
    """How one inquiry stands.

    :param processing_number: 処理通番, binds the records of both sides; None until permitted.
    :param code: why it was refused or failed, 1 to 32 of ``a-z0-9_``; empty otherwise.
    :param expires_at: after this an ended inquiry and its answer are deleted on the server; None before.
    """

    inquiry_id: str
    state: InquiryState
    changed_at: datetime
    processing_number: str | None = None
    code: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class InformationItem:
    """One record of the standard data layout (特定個人情報データ標準レイアウト): item codes and values.

    :param information_name_code: 特定個人情報名コード, 16 of ``0-9A-Z``.
    :param layout_version: year and month of the layout, ``2026.07``.
    :param values: 1 to 500; an item code has 1 to 16 of ``0-9A-Z``, a value up to 1,000 characters, exactly
        as they came. None only in a sub-copy that is deleted.
    """

    information_name_code: str
    layout_version: str
    values: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class InquiryAnswer:
    """The answer to one inquiry. Fetching it is what ends the inquiry."""

    inquiry_id: str
    processing_number: str
    provider_code: str
    answered_at: datetime
    items: tuple[InformationItem, ...]


@dataclass(frozen=True, slots=True)
class ProvisionRequest:
    """What another organisation asks of this municipality.

    :param answer_until: until then an answer is taken; afterwards the request is ``expired``.
    """

    request_id: str
    processing_number: str
    atena_number: str
    requester_code: str
    affair_code: str
    information_name_code: str
    received_at: datetime
    answer_until: datetime
    state: ProvisionState


@dataclass(frozen=True, slots=True)
class SubCopy:
    """A sub-copy (副本) of one person's record, from which the server answers by itself.

    :param record_id: レコード識別番号, 1 to 64 of ``0-9A-Za-z._-``; it stays with one person.
    :param version: of the record, 1 or more; an older one than the server holds is refused.
    :param published_from: from this day to ``published_to``, both included, it is answered from.
    :param withheld: no automatic answer (自動応答不可); ``not_disclosed``: hidden from the person's portal
        (不開示該当).
    :param deleted: the record is no more: its values go, its version stays, so that no older one comes back.
    """

    record_id: str
    atena_number: str
    version: int
    item: InformationItem
    published_from: date
    published_to: date | None = None
    withheld: bool = False
    not_disclosed: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class SubCopyOutcome:
    """What became of one sub-copy: empty ``code`` when it was taken."""

    record_id: str
    version: int
    code: str = ""


@dataclass(frozen=True, slots=True)
class ExchangeRecord:
    """One entry of the exchange records (情報提供等記録), kept seven years and shown to the person."""

    processing_number: str
    recorded_at: datetime
    requester_code: str
    provider_code: str
    affair_code: str
    information_name_code: str
    atena_number: str
    not_disclosed: bool


@dataclass(frozen=True, slots=True)
class PermittedInquiry:
    """One line of the permitted-inquiry list (照会許可用照会リスト), with the days it is in force.

    :param provider_kind: the first two characters of the codes of the organisations that may be asked.
    """

    affair_code: str
    procedure_code: str
    information_name_code: str
    provider_kind: str
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class OperatorRights:
    """What an operator may do on the server (職員認証・権限管理).

    :param functions: of ``inquiry``, ``provision``, ``sub_copy``, ``exchange_record``, ``management``.
    """

    operator_id: str
    functions: frozenset[str]
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class BatchState:
    """How a batch on the server stands (システム管理: バッチの状況).

    :param state: ``running``, ``ended`` or ``failed``.
    """

    batch_id: str
    name: str
    state: str
    rows: int
    failed_rows: int
    started_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ServerStatistics:
    """Counts of one day in Japan (システム管理: 業務統計情報).

    :param inquiries: begun; ``provisions``: asked by others.
    :param sub_copies: taken, corrections and deletions included.
    :param refused: inquiries and sub-copies that were refused.
    """

    day: date
    inquiries: int
    provisions: int
    sub_copies: int
    refused: int


@dataclass(frozen=True, slots=True)
class ExpiredDeletion:
    """What the server deleted because its term was over (保管期限切れ情報の削除)."""

    deleted_at: datetime
    inquiries: int
    provisions: int
    exchange_records: int
