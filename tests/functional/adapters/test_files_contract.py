"""Every check of every contract by order files, against the simulator in its own process."""

import pytest

from tests.functional.adapters.conftest import Connect
from yvaxportal.adapters.atena.files import FilesAtena
from yvaxportal.adapters.conformance import CONTRACTS, Grade, Subjects

FILES = {"atena": FilesAtena}


@pytest.mark.parametrize("system", FILES)
def test_the_contract_is_kept(connect: Connect, subjects: Subjects, system: str) -> None:
    results = list(CONTRACTS[system](connect(FILES[system], system), subjects).results())
    assert {result.check: result.came for result in results if result.grade is not Grade.PASSED} == {}
