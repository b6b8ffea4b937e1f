"""The swap points: one interface for each external system.

An implementation is named in the ini file and found by entry point (``yvaxportal.adapters.loading``). Views
and services ask for the interface, never for a class. What holds for every method:

* ``context`` says who calls and how long the call may take, retries included. A call that has not ended by
  then raises ``TimedOut``; 2 seconds where a page waits, 30 where a job does.
* Errors are those of ``yvaxportal.adapters.errors``; nothing else leaves an implementation. ``Unavailable``,
  ``BadAnswer`` and ``Unauthorised`` can come from every method and are not repeated below.
* A method with ``idempotency_key`` changes something. The key is 1 to 64 characters of ``[A-Za-z0-9_-]``,
  made once for each business change. The same key with the same arguments gives the same answer and changes
  nothing again, for at least 30 days; with other arguments it is ``Refused`` (``key_reused``).
* A cursor is opaque and stays good for at least 30 days; an unknown one is ``Refused`` (``unknown_cursor``).
* Instants are aware and in UTC; days are days in Japan. Names are as the other side sent them.
* What an implementation cannot offer by its nature raises ``NotOffered``.
* Implementations are used by many threads at once.
"""

from yvaxportal.adapters.interfaces.atena import IAtena
from yvaxportal.adapters.interfaces.chukan import IChukan
from yvaxportal.adapters.interfaces.common import IAdapter
from yvaxportal.adapters.interfaces.resident_register import IResidentRegister
from yvaxportal.adapters.interfaces.tax import ITaxRegister
from yvaxportal.adapters.interfaces.vrs import IVrs
from yvaxportal.adapters.interfaces.welfare import IWelfareRegister

#: The word of the ini file and of the entry-point group, and what an implementation must provide.
SYSTEMS = {
    "resident_register": IResidentRegister,
    "atena": IAtena,
    "chukan": IChukan,
    "vrs": IVrs,
    "tax": ITaxRegister,
    "welfare": IWelfareRegister,
}

__all__ = [
    "SYSTEMS",
    "IAdapter",
    "IAtena",
    "IChukan",
    "IResidentRegister",
    "ITaxRegister",
    "IVrs",
    "IWelfareRegister",
]
