from pathlib import Path

from yvaxportal.embedded.places import socket_folder, urls


def test_the_socket_fits_whatever_the_data_folder_is_called(tmp_path: Path) -> None:
    deep = tmp_path / "見本, with spaces" / ("x" * 200)
    assert len(str(socket_folder(deep) / ".s.PGSQL.5432").encode()) <= 107
    assert not set(str(socket_folder(deep))) & set(", '")


def test_each_data_folder_has_a_socket_of_its_own(tmp_path: Path) -> None:
    assert socket_folder(tmp_path / "a") != socket_folder(tmp_path / "b")
    assert socket_folder(tmp_path / "a") == socket_folder(tmp_path / "b" / ".." / "a")


def test_addresses_name_the_driver_and_the_role(tmp_path: Path) -> None:
    found = urls(tmp_path)
    assert found.app.startswith("postgresql+psycopg://yvax_app@/yvax?host=/")
    assert found.owner.startswith("postgresql+psycopg://yvax_owner@/yvax?host=/")
