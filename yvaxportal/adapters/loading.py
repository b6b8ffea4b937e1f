"""From the ini file's words to six working adapters, or one line that says which word is wrong."""

import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any, TypeVar, cast

from sqlalchemy import Engine
from zope.interface.exceptions import Invalid
from zope.interface.interface import InterfaceClass
from zope.interface.verify import verifyClass, verifyObject

from yvaxportal.adapters.interfaces import SYSTEMS, IAdapter
from yvaxportal.adapters.setup import PREFIX, AdapterSetup, resolve
from yvaxportal.settings import Settings, SettingsError
from yvaxportal.values.personal_number import PersonalNumber

Wanted = TypeVar("Wanted")

#: Option of any implementation: a file with the key of its index of personal numbers.
INDEX_KEY = "number_index_key"
_INDEX_KEY_LENGTH = 32


@dataclass(frozen=True)
class Adapters:
    """The implementations that the ini file names, by system."""

    by_system: Mapping[str, IAdapter]

    def __iter__(self) -> Iterator[tuple[str, IAdapter]]:
        return iter(self.by_system.items())

    def get(self, interface: type[Wanted]) -> Wanted:
        """Return the implementation of one of the interfaces in ``SYSTEMS``; KeyError for any other."""
        for system, known in SYSTEMS.items():
            if known is interface:
                return cast("Wanted", self.by_system[system])
        raise KeyError(interface)

    def close(self) -> None:
        """Close every one of them."""
        for _, adapter in self:
            adapter.close()


def load_adapters(
    settings: Settings,
    engine: Engine,
    clock: Callable[[], datetime],
    systems: Iterable[str] = tuple(SYSTEMS),
) -> Adapters:
    """Build what ``yvaxportal.adapters.<system>`` names for each system.

    An implementation is an entry point of the group of the same name: a class that provides the system's
    interface, with a class method ``create(setup: AdapterSetup)``.

    :raises SettingsError: no such implementation, it is broken or lacks a method, or an option is wrong.
    """
    built: dict[str, IAdapter] = {}
    # Looking through everything that is installed takes as long as all the rest: once is enough.
    points = entry_points().select
    for system in systems:
        try:
            built[system] = load_adapter(system, settings, engine, clock, points=points)
        except SettingsError:
            Adapters(built).close()
            raise
    return Adapters(built)


def load_adapter(
    system: str,
    settings: Settings,
    engine: Engine,
    clock: Callable[[], datetime],
    *,
    points: Callable[..., EntryPoints] | None = None,
) -> IAdapter:
    """Build what the ini file names for one system; the caller closes it.

    :param points: selects among the entry points of what is installed, where the caller looked already.
    :raises SettingsError: as ``load_adapters``.
    """
    setup = AdapterSetup(
        system=system,
        options=resolve(system, settings.adapter_options.get(system, {})),
        municipality_code=settings.municipality_code,
        var=settings.var,
        engine=engine,
        clock=clock,
    )
    found = (points or entry_points)(group=f"{PREFIX}{system}")
    return _build(found, settings.adapters[system], SYSTEMS[system], _with_index(setup))


def _with_index(setup: AdapterSetup) -> AdapterSetup:
    """Give the keyed index of personal numbers to an implementation whose ini part names a key for it.

    The key is never changed: the vault's own index changes with its keys, and what stands in another system's
    tables could not follow.
    """
    if f"{INDEX_KEY}_file" not in setup.options and INDEX_KEY not in setup.options:
        return setup
    key = setup.secret(INDEX_KEY)
    if len(key) < _INDEX_KEY_LENGTH:
        problem = f"the key is too short: at least {_INDEX_KEY_LENGTH} characters"
        raise SettingsError(setup.name_of(f"{INDEX_KEY}_file"), problem)
    options = {name: value for name, value in setup.options.items() if name != f"{INDEX_KEY}_file"}
    municipality = setup.municipality_code

    def index(number: PersonalNumber) -> bytes:
        text = f"yvaxportal number index/{municipality}/{number.reveal()}"
        return hmac.digest(key.encode(), text.encode(), "sha256")

    return replace(setup, options=options, number_index=index)


def installed(system: str) -> dict[str, str]:
    """Return the implementations of a system that are installed: name and the package each comes from."""
    found = entry_points(group=f"{PREFIX}{system}")
    return {entry.name: entry.dist.name if entry.dist else "" for entry in found}


def _build(found: EntryPoints, wanted: str, interface: InterfaceClass, setup: AdapterSetup) -> IAdapter:
    name = f"{PREFIX}{setup.system}"
    implementation = _loaded(_entry_point(found, name, wanted), name)
    create = getattr(implementation, "create", None)
    if not callable(create):
        raise SettingsError(name, f"{wanted} has no class method create")
    try:
        verifyClass(interface, implementation)
        adapter = create(setup)
        verifyObject(interface, adapter)
    except Invalid as error:
        problem = " ".join(str(error).split())
        raise SettingsError(name, f"{wanted} does not provide {interface.__name__}: {problem}") from None
    return cast("IAdapter", adapter)


def _entry_point(found: EntryPoints, name: str, wanted: str) -> EntryPoint:
    chosen = [entry for entry in found if entry.name == wanted]
    if not chosen:
        listed = ", ".join(sorted({entry.name for entry in found})) or "none"
        raise SettingsError(name, f"no such adapter; installed: {listed}")
    if len({entry.value for entry in chosen}) > 1:
        packages = ", ".join(sorted(entry.dist.name for entry in chosen if entry.dist))
        raise SettingsError(name, f"several packages have an adapter of this name: {packages}")
    return chosen[0]


def _loaded(entry: EntryPoint, name: str) -> Any:
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise SettingsError(name, f"{entry.value} cannot be loaded ({type(error).__name__})") from None
