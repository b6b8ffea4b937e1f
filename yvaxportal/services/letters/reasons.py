"""Why a letter was held, dropped or spoiled. The values are stored."""

from enum import StrEnum


class Held(StrEnum):
    """Why somebody's letter was not printed, though it should be."""

    SUPPORT_MEASURE = "support_measure"
    NO_ADDRESS = "no_address"
    CHARACTERS = "characters"
    OVERFLOW = "overflow"
    TICKET_EXISTS = "ticket_exists"
    NO_DOSE = "no_dose"
    DOSE_NUMBER = "dose_number"


#: These are tried again by a supplement run without anybody's release: what was wrong may be right by then.
TRIED_AGAIN = tuple(reason.value for reason in Held if reason is not Held.SUPPORT_MEASURE)


class Dropped(StrEnum):
    """Why somebody on the list gets no letter any more."""

    DECEASED = "deceased"
    MOVED_OUT = "moved_out"
    REMOVED = "removed"
    DOSE_ON_RECORD = "dose_on_record"
    NO_INVITATION = "no_invitation"


class Spoiled(StrEnum):
    """Why a printed letter is not sent."""

    MISPRINT = "misprint"
    DAMAGED = "damaged"
    WITHDRAWN = "withdrawn"
    OTHER = "other"


class Unprinted(StrEnum):
    """Why a letter that was set never became paper: its file was wiped before anybody took it."""

    REFUSED = "file_refused"
    NOT_TAKEN = "file_not_taken"


#: Spoiled paper that a supplement run prints again, with the same ticket: it never left the house.
PRINTED_AGAIN = (Spoiled.MISPRINT.value, Spoiled.DAMAGED.value, Spoiled.OTHER.value)


class TicketVoid(StrEnum):
    """Why a ticket is void, where the portal itself says so; staff write theirs in words."""

    NEW_SEASON = "new_season"
