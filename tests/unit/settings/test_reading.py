from collections.abc import Callable
from pathlib import Path

import pytest

from yvaxportal.embedded.places import urls
from yvaxportal.settings import DEVELOPMENT_MARK, SettingsError, read_settings, secret_files
from yvaxportal.settings.table import TABLE

SECRET = "0123456789abcdefghijklmnopqrstuvwxyz"
P = "yvaxportal."


@pytest.fixture
def raw(tmp_path: Path) -> dict[str, str]:
    """A development section in which everything is right."""
    (tmp_path / "secrets").mkdir()
    values = {
        "environment": "development",
        "var": str(tmp_path),
        "database": "embedded",
        "municipality_name": "見本市",
        "session.secret_file": "secrets/session",
        "vault.key_ring_file": "secrets/ring",
        "audit.signing_key_file": "secrets/signing",
    }
    for name in ("session", "ring", "signing"):
        write_secret(tmp_path / "secrets" / name)
    return {P + name: value for name, value in values.items()}


@pytest.fixture
def production(raw: dict[str, str]) -> dict[str, str]:
    """A production section in which everything is right."""
    return raw | {
        P + "environment": "production",
        P + "database": "external",
        P + "database.url": "postgresql+psycopg://yvax_app:hush-hush@db.example/yvax",
    }


def write_secret(path: Path, content: str = SECRET, mode: int = 0o600) -> None:
    path.write_text(content)
    path.chmod(mode)


def test_every_setting_is_in_the_deployment_guide() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "deploy.md").read_text("utf-8")
    assert [setting.name for setting in TABLE if f"`{setting.name}`" not in guide] == []


def test_defaults(raw: dict[str, str], tmp_path: Path) -> None:
    settings = read_settings(raw, environ={})
    assert settings.idle_minutes == 15
    assert settings.max_body_bytes == 1024 * 1024
    assert settings.second_factor == "always"
    assert settings.secure_cookies is True
    assert settings.demo_accounts is False
    assert settings.adapters["chukan"] == "local"
    assert settings.municipality_code == "312029"
    assert settings.key_ring_file == tmp_path / "secrets" / "ring"
    assert settings.trusted_proxy is None


def test_the_embedded_database_is_found_from_the_data_folder(raw: dict[str, str], tmp_path: Path) -> None:
    settings = read_settings(raw, environ={})
    assert settings.database_url == urls(tmp_path).app
    assert settings.migration_url == urls(tmp_path).owner


WRONG = [
    ("environment", "staging"),
    ("environment", ""),
    ("var", "var"),
    ("database", "sqlite"),
    ("database.url", "postgresql+psycopg://hush-hush@/yvax"),
    ("database.app_role", "Robert'); DROP TABLE"),
    ("database.pool_size", "0"),
    ("database.pool_size", "3"),
    ("database.pool_size", "٣"),
    ("municipality_code", "312020"),
    ("municipality_name", ""),
    ("session.secret_file", ""),
    ("session.secret_file", "nowhere"),
    ("session.idle_minutes", "-1"),
    ("session.idle_minutes", "999"),
    ("session.secure_cookies", "perhaps"),
    ("second_factor", "never"),
    ("demo_accounts", "maybe"),
    ("adapters.chukan", "hush-hush"),
    ("web.port", "65536"),
    ("max_body_bytes", "1"),
    ("municipalty_code", "312029"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_setting_is_named_and_its_value_is_not(raw: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(raw | {P + name: value}, environ={})
    assert str(caught.value).startswith(f"{P}{name}: ")
    assert "\n" not in str(caught.value)
    assert "hush" not in str(caught.value)
    assert "Robert" not in str(caught.value)


def test_values_from_the_environment(raw: dict[str, str]) -> None:
    raw[P + "municipality_name"] = "env:CITY"
    assert read_settings(raw, environ={"CITY": "例市"}).municipality_name == "例市"
    with pytest.raises(SettingsError, match=r"municipality_name: the environment variable CITY is not set"):
        read_settings(raw, environ={})


def test_an_address_from_a_file(production: dict[str, str], tmp_path: Path) -> None:
    address = production.pop(P + "database.url")
    (tmp_path / "url").write_text(address + "\n")
    production[P + "database.url_file"] = "env:URL_FILE"
    settings = read_settings(production, environ={"URL_FILE": str(tmp_path / "url")})
    assert settings.database_url == address
    with pytest.raises(SettingsError, match=r"^yvaxportal\.database\.url_file: the file cannot be read"):
        read_settings(production, environ={"URL_FILE": str(tmp_path / "none")})
    with pytest.raises(SettingsError, match="given twice"):
        read_settings(production | {P + "database.url": address}, environ={})


def test_only_migrate_needs_the_owners_address(production: dict[str, str]) -> None:
    production[P + "database.migration_url_file"] = "env:YVAX_MIGRATION_URL_FILE"
    assert read_settings(production, environ={}).migration_url is None


def test_the_database_of_a_real_server_must_be_named(production: dict[str, str]) -> None:
    del production[P + "database.url"]
    with pytest.raises(SettingsError, match=r"^yvaxportal\.database\.url: is missing"):
        read_settings(production, environ={})


def test_a_missing_secret_may_be_made_by_the_command_that_makes_it(raw: dict[str, str]) -> None:
    raw[P + "session.secret_file"] = "secrets/later"
    settings = read_settings(raw, secrets_may_be_missing=True, environ={})
    assert secret_files(settings)["yvaxportal.session.secret_file"].name == "later"


FORBIDDEN = [
    (P + "database", "embedded"),
    (P + "demo_accounts", "true"),
    (P + "second_factor", "personal-number"),
    (P + "session.secure_cookies", "false"),
    ("pyramid.debug_all", "true"),
    ("pyramid.debug_authorization", "1"),
    ("pyramid.reload_templates", "true"),
    ("debug_all", "true"),
    ("reload_templates", "true"),
    ("pyramid.includes", "pyramid_debugtoolbar"),
]


@pytest.mark.parametrize(("name", "value"), FORBIDDEN)
def test_production_refuses(production: dict[str, str], name: str, value: str) -> None:
    assert read_settings(production, environ={}).production
    production = production | {name: value}
    if value == "embedded":
        del production[P + "database.url"]
    with pytest.raises(SettingsError) as caught:
        read_settings(production, environ={})
    assert str(caught.value).startswith(name)


def test_production_refuses_debugging_in_the_environment(production: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="PYRAMID_DEBUG_ALL"):
        read_settings(production, environ={"PYRAMID_DEBUG_ALL": "1"})


SPOILS: list[tuple[str, Callable[[Path], object]]] = [
    ("open to everybody", lambda path: path.chmod(0o644)),
    ("too weak", lambda path: write_secret(path, "short")),
    ("too weak", lambda path: write_secret(path, "a" * 64)),
    ("a sample value", lambda path: write_secret(path, "please-change-me-0123456789-abcdefghij")),
    ("made for development", lambda path: (path.parent / DEVELOPMENT_MARK).touch()),
    ("cannot be read", lambda path: path.unlink()),
]


@pytest.mark.parametrize(("problem", "spoil"), SPOILS)
def test_production_refuses_a_bad_secret(
    production: dict[str, str], tmp_path: Path, problem: str, spoil: Callable[[Path], object]
) -> None:
    spoil(tmp_path / "secrets" / "session")
    with pytest.raises(SettingsError) as caught:
        read_settings(production, environ={})
    assert caught.value.name == "yvaxportal.session.secret_file"
    assert problem in str(caught.value)
    assert "change-me" not in str(caught.value)
