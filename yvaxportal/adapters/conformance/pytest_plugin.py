"""The contracts as a pytest plug-in, for authors of adapters.

In ``conftest.py``: ``pytest_plugins = ["yvaxportal.adapters.conformance.pytest_plugin"]``. Then one test is
all checks of a system, each under its own name; what the implementation does not offer is skipped with the
reason::

    @pytest.mark.contract("tax")
    def test_contract(contract_check, adapter, subjects):
        contract_check(adapter, subjects)
"""

from collections.abc import Callable
from typing import Any

import pytest

from yvaxportal.adapters.conformance import CONTRACTS
from yvaxportal.adapters.conformance.kit import NotApplicableError, Subjects

ContractCheck = Callable[[Any, Subjects], None]


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "contract(system): run every check of the system's contract")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each check."""
    if "contract_check" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("contract")
    if marker is None or len(marker.args) != 1 or marker.args[0] not in CONTRACTS:
        known = ", ".join(CONTRACTS)
        raise pytest.UsageError(f"contract_check needs @pytest.mark.contract(system), system one of: {known}")
    system = marker.args[0]
    names = CONTRACTS[system].names()
    metafunc.parametrize("contract_check", [(system, name) for name in names], ids=names, indirect=True)


@pytest.fixture
def contract_check(request: pytest.FixtureRequest) -> ContractCheck:
    """Return what runs this test's check against an implementation with some subjects."""
    system, name = request.param

    def run(adapter: Any, subjects: Subjects) -> None:
        try:
            CONTRACTS[system](adapter, subjects).run(name)
        except NotApplicableError as reason:
            pytest.skip(str(reason))

    return run
