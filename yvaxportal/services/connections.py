"""The other systems as one process holds them: implementations, and what follows or asks them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from yvaxportal.adapters.interfaces import SYSTEMS, IAtena, IResidentRegister, ITaxRegister, IWelfareRegister
from yvaxportal.adapters.loading import Adapters, load_adapters
from yvaxportal.services.outbox.delivery import Outbox
from yvaxportal.services.sync.eligibility import EligibilitySync
from yvaxportal.services.sync.notices import NoticeSync
from yvaxportal.services.sync.run import ResidentSync
from yvaxportal.settings import Settings
from yvaxportal.vault.vault import Vault

#: The implementation on the portal's own tables: there is no other side to follow.
LOCAL = "local"


@dataclass(frozen=True)
class Connections:
    """What one process holds, made once.

    :param names: which implementation serves each system, as the ini file says.
    """

    adapters: Adapters
    names: Mapping[str, str]
    engine: Engine
    vault: Vault
    municipality_code: str
    clock: Callable[[], datetime]

    def follows(self, system: str) -> bool:
        """Tell whether there is another side."""
        return self.names[system] != LOCAL

    @property
    def residents(self) -> ResidentSync:
        """Return what follows the resident register."""
        return ResidentSync(
            self.engine,
            self.adapters.get(IResidentRegister),
            self.vault,
            self.municipality_code,
            self.clock,
        )

    @property
    def notices(self) -> NoticeSync:
        """Return what takes over the merges and splits of the atena system."""
        return NoticeSync(self.engine, self.adapters.get(IAtena), self.clock)

    @property
    def eligibility(self) -> EligibilitySync:
        """Return what asks the tax and welfare registers."""
        return EligibilitySync(
            self.engine,
            self.clock,
            tax=self.adapters.get(ITaxRegister),
            welfare=self.adapters.get(IWelfareRegister),
        )

    @property
    def outbox(self) -> Outbox:
        """Return what tells other systems."""
        return Outbox(self.engine, self.adapters, self.clock)


def open_connections(
    settings: Settings, engine: Engine, vault: Vault, clock: Callable[[], datetime]
) -> Connections:
    """Build what the ini file names; SettingsError with one line when it cannot be."""
    return Connections(
        adapters=load_adapters(settings, engine, clock),
        names={system: settings.adapters[system] for system in SYSTEMS},
        engine=engine,
        vault=vault,
        municipality_code=settings.municipality_code,
        clock=clock,
    )
