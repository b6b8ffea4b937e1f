"""Every check of every contract over HTTP, against the simulator in its own process."""

import pytest

from tests.functional.adapters.conftest import Connect
from yvaxportal.adapters.atena.rest import RestAtena
from yvaxportal.adapters.conformance import CONTRACTS, Grade, Subjects
from yvaxportal.adapters.resident_register.rest import RestResidentRegister
from yvaxportal.adapters.tax.rest import RestTaxRegister
from yvaxportal.adapters.vrs.rest import RestVrs
from yvaxportal.adapters.welfare.rest import RestWelfareRegister

REST = {
    "atena": RestAtena,
    "resident_register": RestResidentRegister,
    "tax": RestTaxRegister,
    "vrs": RestVrs,
    "welfare": RestWelfareRegister,
}


@pytest.mark.parametrize("system", REST)
def test_the_contract_is_kept(connect: Connect, subjects: Subjects, system: str) -> None:
    results = list(CONTRACTS[system](connect(REST[system], system), subjects).results())
    assert {result.check: result.came for result in results if result.grade is not Grade.PASSED} == {}
