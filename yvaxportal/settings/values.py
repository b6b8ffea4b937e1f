"""The settings of one process as plain values, and the error that a wrong one raises."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class SettingsError(Exception):
    """A setting is missing, malformed or forbidden here. The text names the setting, never its value."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process. Attribute ``a_b`` is named after its ini name: see ``table.TABLE``."""

    environment: str
    var: Path
    database: str
    database_url: str
    migration_url: str | None
    app_role: str
    pool_size: int
    municipality_code: str
    municipality_name: str
    address_prefixes: tuple[str, ...]
    session_secret_file: Path
    key_ring_file: Path
    purposes_file: Path | None
    vaccines_file: Path | None
    reports_folder: Path | None
    reports_smallest_told: int
    tariff_file: Path | None
    schedules_folder: Path | None
    signing_key_file: Path
    idle_minutes: int
    lifetime_hours: int
    secure_cookies: bool
    second_factor: str
    fresh_minutes: int
    show_seconds: int
    demo_accounts: bool
    adapters: Mapping[str, str]
    adapter_options: Mapping[str, Mapping[str, str]]
    host: str
    port: int
    threads: int
    extraction_at_once: int
    extraction_states_days: int
    extraction_old_states: str
    approval_above: int
    keep_days: int
    most_downloads: int
    layouts_folder: Path | None
    temporary_folder: Path | None
    office: str | None
    office_postal_code: str | None
    office_address: str | None
    office_phone: str | None
    issuer: str | None
    templates_folder: Path | None
    fonts_folder: Path | None
    bundle_size: int
    metrics_web: tuple[str, int] | None
    metrics_worker: tuple[str, int] | None
    trusted_proxy: str | None
    max_body_bytes: int
    import_layouts_folder: Path | None
    import_match_percent: int
    import_max_file_bytes: int
    residents: int

    @property
    def production(self) -> bool:
        """Tell whether the stricter rules hold."""
        return self.environment == "production"

    @property
    def outputs_folder(self) -> Path:
        """Return where the encrypted archives of files that leave are kept until they are wiped."""
        return self.var / "outputs"
