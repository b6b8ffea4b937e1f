"""The resident register."""

from yvaxportal.adapters.interfaces.common import IAdapter
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.resident_register import ChangePage, RegisteredPerson, Snapshot
from yvaxportal.values.personal_number import PersonalNumber


class IResidentRegister(IAdapter):
    """住民基本台帳: who lives in the municipality. It is read; nothing here changes it.

    Source: assessment I-2 (system 1, link to the resident register) and III-2; record items 2 to 31.
    """

    def resident(atena_number: str, context: CallContext) -> RegisteredPerson:
        """Return one person, without the personal number.

        :param atena_number: up to 15 digits.
        :raises NotFound: the register has nobody with this number.
        :raises BadAnswer: ``wrong_person`` or ``wrong_municipality`` when somebody else came.
        """

    def resident_by_personal_number(number: PersonalNumber, context: CallContext) -> RegisteredPerson:
        """Return the person a personal number belongs to, with the number (M01: matching at the counter).

        The number travels in the body of a request, never in an address.

        :raises NotFound: nobody of this municipality has it.
        """

    def household(household_number: str, context: CallContext) -> tuple[RegisteredPerson, ...]:
        """Return the present members, the head first, then in the register's order; without numbers.

        :raises NotFound: there is no such household.
        """

    def changes(after: str | None, limit: int, context: CallContext) -> ChangePage:
        """Return what happened after a cursor, in the order the register processed it.

        The order of one person's changes is kept. A change may be delivered again (same ``change_id``). With
        ``after`` None the register begins with the oldest change it keeps.

        :param limit: at most so many changes, 1 to 1,000; fewer may come although there are ``more``.
        """

    def snapshot(resume: tuple[str, str] | None, context: CallContext) -> Snapshot:
        """Return everybody, residents and those who ceased to be within the register's term, as a stream.

        Personal numbers are included where the agreement with the register allows it. Memory does not grow
        with the city. The time limit holds for each piece that is waited for, not for the whole.

        :param resume: ``snapshot_id`` and the last atena number that was taken over; the stream goes on after
            it. ``Refused`` (``snapshot_gone``) when the register no longer keeps that state.
        :raises BadAnswer: ``incomplete`` at the end of the stream when fewer or more came than announced.
        """
