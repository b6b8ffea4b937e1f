"""States of the intermediate server: codes on the wire and in its tables, with no page of their own."""

from enum import StrEnum


class CodeState(StrEnum):
    """Whether a person has a linkage code (符号), which takes days to get."""

    NONE = "none"
    REQUESTED = "requested"
    HELD = "held"
    FAILED = "failed"


class InquiryState(StrEnum):
    """Where an inquiry stands: asked → accepted → permitted or refused → answered, ... → fetched.

    It never goes back. ``manual_wait``: the other side answers by hand.
    """

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    PERMITTED = "permitted"
    REFUSED = "refused"
    MANUAL_WAIT = "manual_wait"
    ANSWERED = "answered"
    NO_DATA = "no_data"
    FAILED = "failed"
    FETCHED = "fetched"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class ProvisionState(StrEnum):
    """Where a request by another organisation stands.

    ``waiting``: there is no sub-copy to answer from; ``withheld``: there is one that is not to answer by
    itself (自動応答不可). Both are answered by hand.
    """

    WAITING = "waiting"
    ANSWERED_BY_COPY = "answered_by_copy"
    ANSWERED = "answered"
    WITHHELD = "withheld"
    EXPIRED = "expired"
