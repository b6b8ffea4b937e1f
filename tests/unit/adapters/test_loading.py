"""A wrong word in the ini file stops the start with one line that names it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import create_engine
from zope.interface import directlyProvides, implementer

from yvaxportal.adapters import loading
from yvaxportal.adapters.interfaces import SYSTEMS, ITaxRegister, IVrs
from yvaxportal.adapters.loading import Adapters, load_adapters
from yvaxportal.adapters.messages.common import AdapterHealth, HealthState
from yvaxportal.adapters.setup import AdapterSetup, resolve
from yvaxportal.settings import Settings, SettingsError
from yvaxportal.values.personal_number import PersonalNumber

CLOSED: list[str] = []


def stand_in(interface: Any, leave_out: str = "") -> Any:
    """Make a class with every method of an interface."""

    def create(_cls: type, setup: AdapterSetup) -> Any:
        made = cls()
        made.setup = setup
        return made

    def method(description: Any) -> Any:
        names = ", ".join(("self", *description.positional))
        scope: dict[str, Any] = {}
        exec(f"def stand_in({names}): ...", scope)  # noqa: S102 - the interface's own names
        return scope["stand_in"]

    members: dict[str, Any] = {
        name: method(description)
        for name, description in interface.namesAndDescriptions(all=True)
        if name != leave_out
    }
    members |= {
        "create": classmethod(create),
        "health": lambda _self: AdapterHealth(HealthState.UNKNOWN),
        "close": lambda self: CLOSED.append(self.setup.system),
    }
    members.pop(leave_out, None)
    cls = implementer(interface)(type("StandIn", (), members))
    return cls


class Installed:
    """What entry points give, without installing anything."""

    def __init__(self) -> None:
        self.classes: dict[tuple[str, str], Any] = {}
        for system, interface in SYSTEMS.items():
            self.classes[system, "local"] = stand_in(interface)

    def __call__(self, group: str | None = None) -> EntryPoints:
        points = EntryPoints(
            EntryPoint(name, f"{__name__}:{name}", f"yvaxportal.adapters.{system}")
            for system, name in self.classes
        )
        return points if group is None else points.select(group=group)

    def load(self, entry: EntryPoint, name: str) -> Any:
        return self.classes[name.removeprefix("yvaxportal.adapters."), entry.name]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Installed:
    found = Installed()
    monkeypatch.setattr(loading, "entry_points", found)
    monkeypatch.setattr(loading, "_loaded", found.load)
    CLOSED.clear()
    return found


def load(
    tmp_path: Path, names: Mapping[str, str], options: Mapping[str, Mapping[str, str]] | None = None
) -> Adapters:
    class Given:
        adapters = dict.fromkeys(SYSTEMS, "local") | dict(names)
        adapter_options = options or {}
        municipality_code = "312029"
        var = tmp_path

    engine = create_engine("postgresql+psycopg://nobody@/nowhere")
    return load_adapters(cast("Settings", Given), engine, lambda: datetime(2026, 11, 23, tzinfo=UTC))


def test_each_system_gets_what_the_ini_names(installed: Installed, tmp_path: Path) -> None:
    installed.classes["vrs", "own"] = stand_in(IVrs)
    adapters = load(tmp_path, {"vrs": "own"}, {"vrs": {"colour": "red"}})
    chosen: Any = adapters.get(IVrs)
    assert type(chosen) is installed.classes["vrs", "own"]
    assert chosen.setup.options == {"colour": "red"}
    assert chosen.setup.folder == tmp_path / "adapters" / "vrs"
    assert [system for system, _ in adapters] == list(SYSTEMS)
    adapters.close()
    assert list(SYSTEMS) == CLOSED
    with pytest.raises(KeyError):
        adapters.get(int)


def index_key(tmp_path: Path, content: str) -> dict[str, dict[str, str]]:
    path = tmp_path / "index-key"
    path.write_text(content, "ascii")
    path.chmod(0o600)
    return {"atena": {"number_index_key_file": "index-key"}}


@pytest.mark.usefixtures("installed")
def test_an_index_of_personal_numbers_needs_a_key_of_its_own(tmp_path: Path) -> None:
    number = PersonalNumber("900000000122")
    without: Any = load(tmp_path, {}).by_system["atena"]
    assert without.setup.number_index is None
    indexes = []
    for key in ("k" * 32, "l" * 32):
        chosen: Any = load(tmp_path, {}, index_key(tmp_path, key)).by_system["atena"]
        assert chosen.setup.options == {}
        indexes += [chosen.setup.number_index(number), chosen.setup.number_index(number)]
    assert indexes[0] == indexes[1] != indexes[2]
    assert all(len(index) == 32 and b"9000" not in index for index in indexes)


@pytest.mark.usefixtures("installed")
def test_a_weak_key_of_the_index_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as told:
        load(tmp_path, {}, index_key(tmp_path, "short"))
    assert str(told.value) == (
        "yvaxportal.adapters.atena.number_index_key_file: the key is too short: at least 32 characters"
    )


@pytest.mark.usefixtures("installed")
def test_a_name_that_nobody_installed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as told:
        load(tmp_path, {"tax": "lokal"})
    assert str(told.value) == "yvaxportal.adapters.tax: no such adapter; installed: local"


def test_a_class_that_lacks_a_method(installed: Installed, tmp_path: Path) -> None:
    installed.classes["tax", "half"] = stand_in(ITaxRegister, leave_out="household_taxation")
    with pytest.raises(SettingsError) as told:
        load(tmp_path, {"tax": "half"})
    text = str(told.value)
    assert text.startswith("yvaxportal.adapters.tax: half does not provide ITaxRegister:")
    assert "household_taxation" in text
    assert "\n" not in text
    assert CLOSED == ["resident_register", "atena", "chukan", "vrs"]


def test_a_class_that_claims_nothing(installed: Installed, tmp_path: Path) -> None:
    class Bare:
        @classmethod
        def create(cls, setup: AdapterSetup) -> "Bare":
            raise AssertionError(setup)

    installed.classes["tax", "bare"] = Bare
    with pytest.raises(SettingsError, match="bare does not provide ITaxRegister"):
        load(tmp_path, {"tax": "bare"})


def test_a_module_instead_of_a_class(installed: Installed, tmp_path: Path) -> None:
    thing: Any = object.__new__(type("Thing", (), {}))
    directlyProvides(thing, ITaxRegister)
    installed.classes["tax", "thing"] = thing
    with pytest.raises(SettingsError, match="thing has no class method create"):
        load(tmp_path, {"tax": "thing"})


def test_an_entry_point_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken() -> EntryPoints:
        groups = (f"yvaxportal.adapters.{system}" for system in SYSTEMS)
        return EntryPoints(EntryPoint("local", "yvaxportal.nowhere:Nothing", group) for group in groups)

    monkeypatch.setattr(loading, "entry_points", broken)
    with pytest.raises(SettingsError, match=r"yvaxportal\.adapters\.resident_register: .* cannot be loaded"):
        load(tmp_path, {})


def setup(options: Mapping[str, str], var: Path) -> AdapterSetup:
    engine = create_engine("postgresql+psycopg://nobody@/nowhere")
    return AdapterSetup("atena", options, "312029", var, engine, lambda: datetime(2026, 11, 23, tzinfo=UTC))


def test_options_are_read_and_checked(tmp_path: Path) -> None:
    one = setup({"base_url": "https://atena.example", "limit": "2.5"}, tmp_path)
    assert one.text("base_url") == "https://atena.example"
    assert one.number("limit", 1, lowest=0.1, highest=10) == 2.5
    assert one.number("other", 1, lowest=0.1, highest=10) == 1
    with pytest.raises(SettingsError, match=r"^yvaxportal\.adapters\.atena\.token_url: is missing$"):
        one.text("token_url")
    with pytest.raises(SettingsError, match=r"limit: must be a number from 5 to 10"):
        one.number("limit", 5, lowest=5, highest=10)
    with pytest.raises(SettingsError, match=r"limit: no such option; this implementation has: base_url"):
        one.refuse_unknown(["base_url"])


def test_secrets_come_from_files_that_not_everybody_reads(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret-value\n", "utf-8")
    one = setup({"client_secret_file": "secret"}, tmp_path)
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 640"):
        one.secret("client_secret")
    (tmp_path / "secret").chmod(0o640)
    assert one.secret("client_secret") == "s3cret-value"
    with pytest.raises(SettingsError, match="use client_secret_file") as told:
        setup({"client_secret": "s3cret-value"}, tmp_path).secret("client_secret")
    assert "s3cret-value" not in str(told.value)
    with pytest.raises(SettingsError, match="cannot be read"):
        setup({"client_secret_file": "missing"}, tmp_path).secret("client_secret")


def test_the_environment_may_hold_an_option() -> None:
    assert resolve("tax", {"base_url": "env:TAX"}, {"TAX": "https://t"}) == {"base_url": "https://t"}
    with pytest.raises(SettingsError, match=r"yvaxportal\.adapters\.tax\.base_url: .* TAX is not set"):
        resolve("tax", {"base_url": "env:TAX"}, {})
