"""The embedded server, killed and started again in every state a person can leave it in."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from yvaxportal.embedded import places
from yvaxportal.embedded.roles import libpq
from yvaxportal.embedded.runner import EmbeddedError
from yvaxportal.embedded.server import EmbeddedPostgres


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    """A data folder with spaces, commas and quotes in its name, and no server left behind."""
    folder = tmp_path / "it's a folder, 見本"
    yield folder
    leftover = EmbeddedPostgres(folder)
    leftover.take_over()
    leftover.stop()


def postmaster(var: Path) -> psutil.Process:
    return psutil.Process(int((places.data_folder(var) / "postmaster.pid").read_text().split()[0]))


def kill(process: psutil.Process) -> None:
    process.kill()
    process.wait()


def fill(server: EmbeddedPostgres) -> None:
    with psycopg.connect(libpq(server.urls.owner)) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")


def kept(server: EmbeddedPostgres) -> int:
    with psycopg.connect(libpq(server.urls.owner)) as connection:
        return len(connection.execute("SELECT n FROM kept").fetchall())


def test_start_stop_and_start_again(var: Path) -> None:
    with EmbeddedPostgres(var) as server:
        fill(server)
        assert server.is_alive()
    assert not server.is_alive()
    assert not places.socket_folder(var).exists()
    with EmbeddedPostgres(var) as server:
        assert kept(server) == 1


def test_roles_have_no_more_rights_than_they_need(var: Path) -> None:
    with EmbeddedPostgres(var) as server, psycopg.connect(libpq(server.urls.app)) as app:
        rights = app.execute(
            "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles "
            "WHERE rolname IN ('yvax_app', 'yvax_owner')"
        ).fetchall()
        assert rights == [(False, False, False, False)] * 2
        owner = app.execute(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'yvax'"
        ).fetchone()
        assert owner == ("yvax_owner",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("CREATE TABLE mine ()")


def test_it_listens_on_no_network_and_keeps_committed_data(var: Path) -> None:
    with EmbeddedPostgres(var) as server, psycopg.connect(libpq(server.urls.app)) as app:
        asked = ("listen_addresses", "fsync", "synchronous_commit", "server_encoding", "log_error_verbosity")
        assert [app.execute(f"SHOW {name}").fetchone() for name in asked] == [
            ("",),
            ("on",),
            ("on",),
            ("UTF8",),
            ("terse",),
        ]
    assert places.data_folder(var).stat().st_mode & 0o777 == 0o700


def test_a_killed_postmaster_loses_nothing(var: Path) -> None:
    server = EmbeddedPostgres(var)
    server.start()
    fill(server)
    kill(postmaster(var))
    assert not server.is_alive()
    server.start()
    assert kept(server) == 1
    server.stop()


def test_a_server_left_running_is_taken_over(var: Path) -> None:
    left = EmbeddedPostgres(var)
    left.start()
    fill(left)
    running = postmaster(var)
    with EmbeddedPostgres(var) as server:
        assert postmaster(var).pid == running.pid
        assert kept(server) == 1
    assert not running.is_running()
    left.stop()


def test_a_server_whose_folder_was_removed_is_ended(var: Path) -> None:
    left = EmbeddedPostgres(var)
    left.start()
    running = postmaster(var)
    shutil.rmtree(places.data_folder(var))
    with EmbeddedPostgres(var) as server:
        assert postmaster(var).pid != running.pid
        assert server.is_alive()
    left.stop()


def test_a_lock_file_with_somebody_elses_process_number(var: Path) -> None:
    with EmbeddedPostgres(var):
        pass
    lock = places.data_folder(var) / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{places.data_folder(var)}\n1\n5432\n\n\n0 0\n")
    os.chown(lock, places.data_folder(var).stat().st_uid, -1)
    with EmbeddedPostgres(var) as server:
        assert server.is_alive()


def test_a_start_killed_while_the_folder_was_made(var: Path) -> None:
    (var / "postgres.new" / "base").mkdir(parents=True)
    with EmbeddedPostgres(var) as server:
        assert server.is_alive()
    assert not (var / "postgres.new").exists()


def test_data_of_another_version_is_left_alone(var: Path) -> None:
    data = places.data_folder(var)
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedError, match="not of PostgreSQL 18"):
        EmbeddedPostgres(var).start()
    assert (data / "PG_VERSION").read_text() == "16\n"


def test_a_socket_folder_that_is_not_ours_is_refused(var: Path, tmp_path: Path) -> None:
    places.socket_folder(var).symlink_to(tmp_path)
    try:
        with pytest.raises(EmbeddedError, match="is not ours"):
            EmbeddedPostgres(var).start()
    finally:
        places.socket_folder(var).unlink()
