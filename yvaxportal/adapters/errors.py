"""How a call to another system can fail. No error carries a body, a name or a personal number."""

from datetime import timedelta
from enum import StrEnum


class AdapterError(Exception):
    """A call to another system failed; ``system`` is the word of the ini file (``atena``, ``vrs``, ...)."""

    def __init__(self, system: str, problem: str) -> None:
        super().__init__(f"{system}: {problem}")
        self.system = system
        self.problem = problem


class Unavailable(AdapterError):  # noqa: N818 - the plan's word for it
    """The other side did not answer. Nothing is known of what it did; repeating with the same key is safe."""

    def __init__(self, system: str, problem: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(system, problem)
        self.retry_after = retry_after


class TimedOut(Unavailable):
    """The time limit of the call ran out."""


class CircuitOpen(Unavailable):
    """The call was not made: the other side has failed so often that it is left alone for a while."""


class Refused(AdapterError):  # noqa: N818 - the plan's word for it
    """The other side understood and said no; repeating does not help.

    :param code: a code of the protocol (docs/protocols), such as ``E0001`` or ``not_permitted``.
    :param where: the item that it is about, where one is known; never a value.
    """

    def __init__(self, system: str, code: str, where: str = "") -> None:
        super().__init__(system, f"refused ({code}{f' at {where}' if where else ''})")
        self.code = code
        self.where = where


class Unauthorised(Refused):
    """The other side does not accept who the portal says it is, or the operator's rights there."""


class NotFound(AdapterError):  # noqa: N818 - the plan's word for it
    """There is no such person, household, request or record on the other side."""

    def __init__(self, system: str, what: str) -> None:
        super().__init__(system, f"no such {what}")
        self.what = what


class NotOffered(AdapterError):  # noqa: N818 - as its siblings
    """This implementation cannot do it (a folder exchange has no single look-up); its table says so."""

    def __init__(self, system: str, method: str) -> None:
        super().__init__(system, f"{method} is not offered by this implementation")
        self.method = method


class BadAnswerReason(StrEnum):
    """What is wrong with an answer that came."""

    MALFORMED = "malformed"
    WRONG_PERSON = "wrong_person"
    WRONG_MUNICIPALITY = "wrong_municipality"
    TOO_LARGE = "too_large"
    OUTDATED = "outdated"
    INCOMPLETE = "incomplete"
    OUT_OF_ORDER = "out_of_order"


class BadAnswer(AdapterError):  # noqa: N818 - the plan's word for it
    """An answer came and is refused: it never changes a resident.

    :param where: a place in the answer (a JSON pointer, a line and column), never a value.
    """

    def __init__(self, system: str, reason: BadAnswerReason, where: str = "") -> None:
        super().__init__(system, f"the answer is {reason.value}{f' at {where}' if where else ''}")
        self.reason = reason
        self.where = where
