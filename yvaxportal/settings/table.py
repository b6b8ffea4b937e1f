"""The table of settings: ini name, attribute, type, default."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from yvaxportal.values.checkdigits import is_municipality_code

PREFIX = "yvaxportal."
ADAPTER_SYSTEMS = ("resident_register", "atena", "chukan", "vrs", "tax", "welfare")

TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0", ""})


@dataclass(frozen=True, slots=True)
class Setting:
    """One row: the ini name without its prefix, the attribute, the reader, the default (None: required).

    ``may_be_unset``: an ``env:NAME`` whose variable is not set means the default, for what only some of the
    processes get, or only some portals need.
    """

    name: str
    attribute: str
    read: Callable[[str], object]
    default: str | None = None
    may_be_unset: bool = False


def _text(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return value


def _path(value: str) -> Path:
    path = Path(_text(value))
    if not path.is_absolute():
        raise ValueError("must be an absolute path; begin it with %(here)s for one beside the ini file")
    return path


def _list(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _below_var(value: str) -> Path:
    """A relative path is below the data folder; ``read_settings`` completes it."""
    return Path(_text(value))


def _optional(value: str) -> str | None:
    return value or None


def _postal_code(value: str) -> str | None:
    if value and not re.fullmatch(r"[0-9]{3}-[0-9]{4}", value):
        raise ValueError("must be a postal code such as 683-0811")
    return value or None


def _optional_path(value: str) -> Path | None:
    return _path(value) if value else None


def _flag(value: str) -> bool:
    if value.lower() in TRUE:
        return True
    if value.lower() in FALSE:
        return False
    raise ValueError("must be true or false")


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return value

    return read


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not (value.isascii() and value.isdigit() and lowest <= int(value) <= highest):
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return int(value)

    return read


def _listener(value: str) -> tuple[str, int] | None:
    """An address and a port; empty for no listener."""
    if not value:
        return None
    host, _, port = value.rpartition(":")
    if not host:
        raise ValueError("must be an address and a port, such as 127.0.0.1:9464")
    return host.strip("[]"), _whole(1, 65535)(port)


def _role(value: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", value):
        raise ValueError("must be a PostgreSQL role name in lower case")
    return value


def _municipality(value: str) -> str:
    if not is_municipality_code(value):
        raise ValueError("must be the 6 digits of a municipality code with its check digit")
    return value


def _database_url(value: str) -> str | None:
    if value and not value.startswith("postgresql+psycopg://"):
        raise ValueError("must begin with postgresql+psycopg://")
    return value or None


TABLE: tuple[Setting, ...] = (
    Setting("environment", "environment", _one_of("development", "production")),
    Setting("var", "var", _path),
    Setting("database", "database", _one_of("embedded", "external")),
    Setting("database.url", "database_url", _database_url, ""),
    Setting("database.migration_url", "migration_url", _database_url, "", may_be_unset=True),
    Setting("database.app_role", "app_role", _role, "yvax_app"),
    Setting("database.pool_size", "pool_size", _whole(1, 200), "5"),
    Setting("municipality_code", "municipality_code", _municipality, "312029"),
    Setting("municipality_name", "municipality_name", _text),
    Setting("address_prefixes", "address_prefixes", _list, "鳥取県, 鳥取県米子市, 米子市"),
    Setting("session.secret_file", "session_secret_file", _below_var),
    Setting("vault.key_ring_file", "key_ring_file", _below_var),
    Setting("vault.purposes_file", "purposes_file", _optional_path, ""),
    Setting("programme.vaccines_file", "vaccines_file", _optional_path, ""),
    Setting("reports.folder", "reports_folder", _optional_path, ""),
    Setting("reports.smallest_told", "reports_smallest_told", _whole(2, 100), "5"),
    Setting("fees.tariff_file", "tariff_file", _optional_path, ""),
    Setting("programme.schedules_folder", "schedules_folder", _optional_path, ""),
    Setting("audit.signing_key_file", "signing_key_file", _below_var),
    Setting("session.idle_minutes", "idle_minutes", _whole(1, 240), "15"),
    Setting("session.lifetime_hours", "lifetime_hours", _whole(1, 24), "10"),
    Setting("session.secure_cookies", "secure_cookies", _flag, "true"),
    Setting("second_factor", "second_factor", _one_of("always", "personal-number"), "always"),
    Setting("personal_number.fresh_minutes", "fresh_minutes", _whole(1, 60), "5"),
    Setting("personal_number.show_seconds", "show_seconds", _whole(5, 600), "60"),
    Setting("demo_accounts", "demo_accounts", _flag, "false"),
    *(Setting(f"adapters.{system}", f"adapters.{system}", _text, "local") for system in ADAPTER_SYSTEMS),
    Setting("extraction.at_once", "extraction_at_once", _whole(0, 100_000), "5000"),
    Setting("extraction.states_days", "extraction_states_days", _whole(1, 365), "30"),
    Setting("extraction.old_states", "extraction_old_states", _one_of("ask", "tell"), "ask"),
    Setting("outputs.approval_above", "approval_above", _whole(0, 10_000_000), "1000"),
    Setting("outputs.keep_days", "keep_days", _whole(1, 90), "7"),
    Setting("outputs.most_downloads", "most_downloads", _whole(1, 100), "5"),
    Setting("outputs.layouts_folder", "layouts_folder", _optional_path, ""),
    Setting("outputs.temporary_folder", "temporary_folder", _optional_path, ""),
    Setting("documents.office", "office", _optional, "", may_be_unset=True),
    Setting("documents.office_postal_code", "office_postal_code", _postal_code, "", may_be_unset=True),
    Setting("documents.office_address", "office_address", _optional, "", may_be_unset=True),
    Setting("documents.office_phone", "office_phone", _optional, "", may_be_unset=True),
    Setting("documents.issuer", "issuer", _optional, "", may_be_unset=True),
    Setting("documents.templates_folder", "templates_folder", _optional_path, ""),
    Setting("documents.fonts_folder", "fonts_folder", _optional_path, ""),
    Setting("documents.bundle_size", "bundle_size", _whole(1, 2000), "500"),
    Setting("web.host", "host", _text, "127.0.0.1"),
    Setting("web.port", "port", _whole(1, 65535), "6543"),
    Setting("web.threads", "threads", _whole(1, 128), "4"),
    Setting("metrics.web", "metrics_web", _listener, ""),
    Setting("metrics.worker", "metrics_worker", _listener, ""),
    Setting("trusted_proxy", "trusted_proxy", _optional, ""),
    Setting("max_body_bytes", "max_body_bytes", _whole(65536, 1 << 30), str(1 << 20)),
    Setting("imports.layouts_folder", "import_layouts_folder", _optional_path, ""),
    Setting("imports.match_percent", "import_match_percent", _whole(0, 100), "70"),
    Setting("imports.max_file_bytes", "import_max_file_bytes", _whole(65536, 1 << 30), str(64 << 20)),
    Setting("residents", "residents", _whole(1, 5_000_000), "10000"),
)
SECRETS = frozenset({"session_secret_file", "key_ring_file", "signing_key_file"})
FROM_FILE = frozenset({"database.url", "database.migration_url"})
