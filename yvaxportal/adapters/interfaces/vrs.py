"""The vaccination record system."""

from collections.abc import Iterator, Sequence

from yvaxportal.adapters.interfaces.common import IAdapter
from yvaxportal.adapters.messages.common import CallContext, Page
from yvaxportal.adapters.messages.vrs import (
    CertificateRequest,
    IssuedCertificate,
    RowOutcome,
    VrsFlag,
    VrsRecord,
    VrsTarget,
)


class IVrs(IAdapter):
    """ワクチン接種記録システム: targets, tickets, doses and certificates of the COVID-19 programme.

    Source: assessment I-2, system 4, and the additional measures of III (M04, M26). A municipality reaches
    its own area only. Personal numbers go up with targets and never come down.
    """

    def register_targets(
        targets: Sequence[VrsTarget], idempotency_key: str, context: CallContext
    ) -> tuple[RowOutcome, ...]:
        """Register targets and the tickets issued to them; one outcome for each, in order.

        A target that is there already with the same values is taken again; with others it is corrected. Rows
        are taken or refused one by one.

        :param targets: up to 10,000. Codes of refused rows: ``wrong_municipality``, ``bad_number`` (no
            ticket, atena or personal number), ``ticket_taken`` (another atena number has the ticket).
        :raises Refused: ``E0003`` for more targets.
        """

    def records(ticket_number: str, context: CallContext) -> tuple[VrsRecord, ...]:
        """Return the doses recorded under a ticket, in order of dose number and day.

        :param ticket_number: ten digits.
        :raises NotFound: the ticket is not registered.
        """

    def list_records(cursor: str | None, limit: int, context: CallContext) -> Page[VrsRecord]:
        """Return the records of this municipality, in order of registration.

        :param limit: 1 to 1,000.
        :raises Refused: ``E0003`` for another limit, ``unknown_cursor``.
        """

    def register_record(record: VrsRecord, idempotency_key: str, context: CallContext) -> VrsRecord:
        """Register a dose and return it with its ``record_id``.

        The same dose again, under another key, is answered with the record that is there. What ``record_id``
        and ``registered_at`` of the argument say does not matter.

        :raises NotFound: the ticket is not registered.
        :raises Refused: ``already_recorded`` when this dose number of the ticket is there with other values,
            ``not_own`` for a record of another municipality, ``E0001`` for a dose that was given without
            manufacturer or lot, ``E0002`` for control characters, ``E0003`` for a dose number outside 1 to 9
            or a text that is too long.
        """

    def correct_record(record: VrsRecord, idempotency_key: str, context: CallContext) -> VrsRecord:
        """Replace what a record of this municipality says; its id and ``registered_at`` stay.

        :raises NotFound: there is no such record, or the ticket is not registered.
        :raises Refused: ``not_own`` when another municipality registered it, ``already_recorded`` when the
            ticket has another record of this dose number, ``E0001`` to ``E0003`` as above.
        """

    def delete_record(record_id: str, idempotency_key: str, context: CallContext) -> None:
        """Delete a record of this municipality; one deleted already is no error. Its id is never used again.

        :raises NotFound: there never was such a record.
        :raises Refused: ``not_own`` when another municipality registered it.
        """

    def set_flag(
        ticket_number: str, flag: VrsFlag | None, idempotency_key: str, context: CallContext
    ) -> None:
        """Set or take away the flag of somebody who moved out or died.

        :raises NotFound: the ticket is not registered.
        """

    def records_for_certificate(ticket_number: str, context: CallContext) -> tuple[VrsRecord, ...]:
        """Return the doses that can stand on a certificate: those given (``done``) up to 2024-03-31.

        :raises NotFound: the ticket is not registered.
        """

    def issue_certificate(
        request: CertificateRequest, idempotency_key: str, context: CallContext
    ) -> IssuedCertificate:
        """Issue a certificate on paper at the counter; each has an id that is never used again.

        :raises NotFound: the ticket is not registered.
        :raises Refused: ``no_records`` without a dose, ``passport_missing`` for travel without alphabet name,
            passport number or nationality, ``E0004`` for any of a passport's details without travel.
        """

    def download(context: CallContext) -> Iterator[VrsRecord]:
        """Return every record of this municipality as a stream, like the ledger download (台帳向け出力).

        In order of registration, as it stands when the stream begins. Close it when not read to the end.

        The time limit holds for each piece that is waited for. No layout of it has a personal number.
        """
