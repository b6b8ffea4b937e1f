"""What the ``local`` implementations share: they ask the portal's own tables; nothing leaves the machine."""

from collections.abc import Callable
from datetime import datetime
from typing import Self

from sqlalchemy import Engine

from yvaxportal.adapters.messages.common import AdapterHealth, HealthState
from yvaxportal.adapters.setup import AdapterSetup


class LocalAdapter:
    """An implementation that asks the portal's database; it has no options."""

    def __init__(
        self, system: str, engine: Engine, municipality_code: str, clock: Callable[[], datetime]
    ) -> None:
        self.system = system
        self.engine = engine
        self.municipality_code = municipality_code
        self.clock = clock

    @classmethod
    def create(cls, setup: AdapterSetup) -> Self:
        """Build the implementation; SettingsError for an option, since there are none."""
        setup.refuse_unknown(())
        return cls(setup.system, setup.engine, setup.municipality_code, setup.clock)

    def health(self) -> AdapterHealth:
        """Return that the connection stands: it is the portal's own, without which nothing runs."""
        return AdapterHealth(HealthState.UP)

    def close(self) -> None:
        """Do nothing: the engine is the portal's."""
