"""The intermediate server."""

from collections.abc import Sequence
from datetime import date

from yvaxportal.adapters.interfaces.common import IAdapter
from yvaxportal.adapters.messages.chukan import (
    BatchState,
    ExchangeRecord,
    ExpiredDeletion,
    InformationItem,
    InquiryAnswer,
    InquiryStatus,
    InquirySubject,
    LinkageCodeState,
    OperatorRights,
    PermittedInquiry,
    ProvisionRequest,
    ServerStatistics,
    SubCopy,
    SubCopyOutcome,
)
from yvaxportal.adapters.messages.common import CallContext, Page


class IChukan(IAdapter):
    """中間サーバー: the exchange with other municipalities and agencies (assessment I-2, system 3).

    The ten functions of the assessment as a connected system meets them. Every call travels through the atena
    system (function 4); encryption and decryption of what is exchanged (functions 7 and 8) are the
    implementation's and its server's, and the portal never sees a linkage code. The real specification is
    not public: docs/protocols/chukan.md follows the public description and keeps the national wording.

    Beside the codes named below, what is no value of the message is refused with ``E0001`` to ``E0004``
    (docs/protocols/rest.md, 4). Days are days in Japan.
    """

    def request_code(atena_number: str, idempotency_key: str, context: CallContext) -> LinkageCodeState:
        """Ask for a linkage code for a person (function 1, 符号管理); it comes days later (``IF_FGU_20215``).

        Somebody who has one, or for whom one was asked, keeps it; after ``failed`` it is asked for again.

        :raises NotFound: the atena system cannot replace the number.
        """

    def code_states(atena_numbers: Sequence[str], context: CallContext) -> tuple[LinkageCodeState, ...]:
        """Return where the codes of up to 1,000 people stand, in the order asked; others have ``none``."""

    def inquire(subject: InquirySubject, idempotency_key: str, context: CallContext) -> InquiryStatus:
        """Begin an inquiry (function 2, 情報照会, ``IF_SKI_10111``); it goes on by itself on the server.

        :raises NotFound: the atena system cannot replace the number.
        :raises Refused: ``not_permitted`` (照会は許可されていません) when the four-tuple is not in the list
            today, then ``no_code`` (符号が未取得).
        """

    def inquiry_status(inquiry_id: str, context: CallContext) -> InquiryStatus:
        """Return where an inquiry stands (``IF_SKI_10712``).

        :raises NotFound: there is no such inquiry, or its term is over.
        """

    def inquiry_answer(inquiry_id: str, context: CallContext) -> InquiryAnswer:
        """Return the answer (``IF_SKI_11112``); it can be fetched again until it expires.

        :raises Refused: ``not_answered`` while there is none, ``no_data``, ``refused``, ``failed``,
            ``cancelled``, ``expired``.
        :raises NotFound: there is no such inquiry.
        """

    def cancel_inquiry(inquiry_id: str, idempotency_key: str, context: CallContext) -> InquiryStatus:
        """Give up an inquiry that has no answer yet (取りやめ, ``IF_SKI_50111``).

        Given up once more it stays given up.

        :raises Refused: ``answered`` when it is too late: it has ended in another way.
        :raises NotFound: there is no such inquiry.
        """

    def provision_requests(cursor: str | None, limit: int, context: CallContext) -> Page[ProvisionRequest]:
        """Return what others ask of this municipality (function 3, 情報提供, ``IF_TKY_11312``), oldest first.

        Those answered from sub-copies are listed too, with their state.

        :param limit: 1 to 1,000.
        """

    def answer_provision(
        request_id: str, items: Sequence[InformationItem], idempotency_key: str, context: CallContext
    ) -> ProvisionRequest:
        """Answer a request by hand (``IF_TKY_20311``, ``IF_TKY_20511``); no items means no data.

        :param items: up to 100.
        :raises Refused: ``not_waiting`` when it was answered or expired.
        :raises NotFound: there is no such request.
        """

    def register_sub_copies(
        copies: Sequence[SubCopy], idempotency_key: str, context: CallContext
    ) -> tuple[SubCopyOutcome, ...]:
        """Register or correct sub-copies (function 6, 副本, ``IF_DBM_10111``, ``IF_DBM_20113``).

        One outcome for each, in order; a row that is refused keeps nobody else's from being taken. The same
        version with the same content is taken again and changes nothing.

        :param copies: up to 10,000. Codes: ``outdated`` (an older version, or the same with other content),
            ``unknown_person``, ``other_person`` (the record belongs to somebody else), ``bad_layout``.
        """

    def sub_copies(atena_number: str, context: CallContext) -> tuple[SubCopy, ...]:
        """Return the sub-copies that the server holds of a person (``IF_DBM_30112``), oldest record first.

        Deleted ones are not among them; somebody without any, or unknown, has none.
        """

    def exchange_records(
        first_day: date, last_day: date, cursor: str | None, limit: int, context: CallContext
    ) -> Page[ExchangeRecord]:
        """Return the exchange records of some days (function 5, 情報提供等記録, ``IF_TKM_40113``).

        Oldest first. There is one for every inquiry and every provision that was answered, also when there
        was no data.

        :param limit: 1 to 1,000.
        """

    def permitted_inquiries(context: CallContext) -> tuple[PermittedInquiry, ...]:
        """Return the permitted-inquiry list in force and to come (function 8, ``IF_SCM_30112``)."""

    def operator_rights(operator_id: str, context: CallContext) -> OperatorRights:
        """Return what an operator may do on the server (function 9, 職員認証・権限管理).

        :raises NotFound: the operator is not registered there.
        """

    def batches(day: date, context: CallContext) -> tuple[BatchState, ...]:
        """Return the batches begun on a day, oldest first (function 10, システム管理: バッチの状況管理)."""

    def statistics(day: date, context: CallContext) -> ServerStatistics:
        """Return the counts of a day (function 10: 業務統計情報の集計)."""

    def is_running(context: CallContext) -> bool:
        """Tell whether the server takes calls (function 10: 稼動状態, ``IF_SYM_20212``)."""

    def delete_expired(idempotency_key: str, context: CallContext) -> ExpiredDeletion:
        """Have the server delete what is past its term (function 10: 保管期限切れ情報の削除).

        Exchange records are deleted after seven years, inquiries after their ``expires_at``, provisions
        30 days after their ``answer_until``.
        """
