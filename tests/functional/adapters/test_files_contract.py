"""Every check of every contract by order files, against the simulator in its own process."""

from dataclasses import replace

import pytest

from tests.functional.adapters.conftest import Connect
from tests.simulated import Simulated
from yvaxportal.adapters.atena.files import FilesAtena
from yvaxportal.adapters.chukan.files import FilesChukan
from yvaxportal.adapters.conformance import CONTRACTS, Grade, Misbehaving, Subjects
from yvaxportal.adapters.vrs.files import FilesVrs

FILES = {"atena": FilesAtena, "chukan": FilesChukan, "vrs": FilesVrs}


@pytest.mark.parametrize("system", FILES)
def test_the_contract_is_kept(
    connect: Connect, simulated: Simulated, subjects: Subjects, system: str
) -> None:
    for _ in range(5):
        # Only others can ask something of the municipality.
        simulated.add(
            "shokai",
            {
                "atenabango": subjects.test_people[0],
                "shokaikikan_kodo": "01131016",
                "jimu_kodo": "TM99JIMU00000001",
                "tokuteikojinjohomei_kodo": "TM99000000000001",
            },
        )
    subjects = replace(subjects, misbehaving=Misbehaving(simulated.url))
    results = list(CONTRACTS[system](connect(FILES[system], system), subjects).results())
    assert {result.check: result.came for result in results if result.grade is not Grade.PASSED} == {}
