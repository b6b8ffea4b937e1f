"""The integrated atena system."""

from yvaxportal.adapters.interfaces.common import IAdapter
from yvaxportal.adapters.messages.atena import Assignment, Envelope, NameInformation, NewPerson, NoticePage
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.values.personal_number import PersonalNumber


class IAtena(IAdapter):
    """統合宛名システム: one number for each person across the whole municipality.

    Source: assessment I-2, system 2, functions 1 to 4; 共通機能標準仕様書 0320001 to 0320021.
    """

    def assign(person: NewPerson, idempotency_key: str, context: CallContext) -> Assignment:
        """Assign an atena number to somebody who has none (function 1, 宛名番号付番).

        The same person never gets two: with the personal number, or with name, birth date, sex and address
        all alike, the number they have already comes back (``already_had_one``), under any key.

        :raises Refused: ``contradiction`` when the personal number is known with another birth date.
        """

    def name_information(atena_number: str, context: CallContext) -> NameInformation:
        """Return what is kept under a number (function 4); one merged away leads to the one that remains.

        :raises NotFound: the number was never assigned.
        """

    def name_information_by_personal_number(number: PersonalNumber, context: CallContext) -> NameInformation:
        """Return what is kept of the person with this personal number (function 4).

        :raises NotFound: nobody is kept under it.
        """

    def keep(information: NameInformation, idempotency_key: str, context: CallContext) -> None:
        """Keep name information under its number (function 2, 宛名情報管理).

        :raises NotFound: the number was never assigned.
        :raises Refused: ``outdated`` when newer information is kept already.
        """

    def bind_personal_number(
        atena_number: str, number: PersonalNumber, idempotency_key: str, context: CallContext
    ) -> None:
        """Bind a personal number to an atena number (function 2), in place of an earlier one.

        :raises NotFound: the atena number was never assigned.
        :raises Refused: ``number_bound`` when the personal number belongs to somebody else.
        """

    def notices(after: str | None, limit: int, context: CallContext) -> NoticePage:
        """Return merges and splits of numbers after a cursor, in the order they were decided.

        A notice may be delivered again (same ``notice_id``).

        :param limit: 1 to 1,000.
        """

    def pass_to_chukan(envelope: Envelope, idempotency_key: str, context: CallContext) -> Envelope:
        """Pass a request on to the chukan server and return its answer (function 3, 中間サーバー連携).

        All traffic with the chukan server goes through here (assessment I-2, system 3, function 4). The atena
        number is replaced on the way; the chukan server holds no personal number.

        :raises NotFound: the atena number cannot be replaced: nothing was passed on.
        :raises Refused: what the chukan server answered, its code unchanged.
        """

    def collect_from_chukan(after: str | None, limit: int, context: CallContext) -> tuple[Envelope, ...]:
        """Return what the chukan server left for this system, oldest first; again until ``after`` names it.

        :param after: ``message_id`` of the last one that was dealt with; those up to it are forgotten.
        :param limit: 1 to 1,000.
        """
