"""``yvax account``: two administrators are made on the server, and the second one again when it was lost."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from tests.application import settings_of
from yvaxportal.embedded.places import DatabaseUrls
from yvaxportal.models.staff import GroupMembership, StaffAccount

Account = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def account(tmp_path: Path, database_urls: DatabaseUrls, secrets: Path) -> Account:
    lines = [f"{name} = {value}" for name, value in settings_of(database_urls, secrets).items()]
    ini = tmp_path / "portal.ini"
    ini.write_text("\n".join(["[app:main]", "use = egg:yvaxportal", *lines]), "utf-8")

    def command(word: str, *rest: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "yvaxportal", "account", word, str(ini), *rest],
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return command


def administrators(engine: Engine) -> set[str]:
    with Session(engine) as session:
        members = select(StaffAccount.login).join(
            GroupMembership, GroupMembership.staff_id == StaffAccount.id
        )
        return set(
            session.scalars(
                members.where(
                    GroupMembership.group_name == "administrator", StaffAccount.revoked_at.is_(None)
                )
            )
        )


def test_two_are_made_and_a_lost_one_again(account: Account, engine: Engine) -> None:
    network = ("--network", "127.0.0.0/8")
    for login in ("hanako", "taro"):
        made = account("first", login, "見本", *network)
        assert (made.returncode, made.stderr) == (0, "")
    refused = account("first", "jiro", "見本", *network)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "there are two administrators" in refused.stderr
    assert administrators(engine) == {"hanako", "taro"}

    assert account("revoke", "taro").returncode == 0
    assert account("revoke", "hanako").returncode == 1
    assert account("first", "taro", "見本", *network).returncode == 1
    assert account("first", "jiro", "見本", *network).returncode == 0
    assert administrators(engine) == {"hanako", "jiro"}


def test_a_password_set_on_the_server_takes_no_group_away(account: Account, engine: Engine) -> None:
    account("first", "hanako", "見本", "--network", "127.0.0.0/8")
    reset = account("reset-password", "hanako")
    assert (reset.returncode, reset.stderr) == (0, "")
    assert administrators(engine) == {"hanako"}
