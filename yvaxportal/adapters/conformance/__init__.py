"""The contract of each interface as something that runs: against any implementation, with any data behind it.

``yvax adapters check`` runs it for what the ini file names. Authors of adapters run the same checks in
their own tests::

    @pytest.mark.parametrize("name", TaxChecks.names())
    def test_contract(adapter, subjects, name):
        TaxChecks(adapter, subjects).run(name)

The checks read only, and so are safe against a production system, unless ``Subjects.may_write`` allows them
to leave test records, marked as such, on the other side. What it takes to see bad answers and silence needs
the simulator on the other side (``Subjects.misbehaving``).
"""

from yvaxportal.adapters.conformance.atena import AtenaChecks
from yvaxportal.adapters.conformance.chukan import ChukanChecks
from yvaxportal.adapters.conformance.kit import (
    BrokenContractError,
    Checks,
    Contract,
    Grade,
    NotApplicableError,
    Result,
    Subjects,
)
from yvaxportal.adapters.conformance.misbehaving import Misbehaving, NotSteeredError
from yvaxportal.adapters.conformance.resident_register import ResidentRegisterChecks
from yvaxportal.adapters.conformance.tax import TaxChecks
from yvaxportal.adapters.conformance.vrs import VrsChecks
from yvaxportal.adapters.conformance.welfare import WelfareChecks

#: The contract of each system that has one so far.
CONTRACTS: dict[str, type[Contract]] = {
    "resident_register": ResidentRegisterChecks,
    "atena": AtenaChecks,
    "vrs": VrsChecks,
    "chukan": ChukanChecks,
    "tax": TaxChecks,
    "welfare": WelfareChecks,
}

__all__ = [
    "CONTRACTS",
    "AtenaChecks",
    "BrokenContractError",
    "Checks",
    "ChukanChecks",
    "Contract",
    "Grade",
    "Misbehaving",
    "NotApplicableError",
    "NotSteeredError",
    "ResidentRegisterChecks",
    "Result",
    "Subjects",
    "TaxChecks",
    "VrsChecks",
    "WelfareChecks",
]
