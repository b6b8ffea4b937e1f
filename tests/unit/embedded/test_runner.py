import os
import pwd
import shutil
from pathlib import Path

import pytest

from yvaxportal.embedded import runner
from yvaxportal.embedded.runner import EmbeddedError, Runner, choose_runner

TRUE = Path(shutil.which("true") or "/bin/true")

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands PostgreSQL to another user")


def test_nobody_but_root_needs_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: pwd.getpwnam("nobody").pw_uid)
    assert choose_runner(TRUE, tmp_path) == Runner()
    monkeypatch.setattr(os, "geteuid", lambda: 987_654)
    with pytest.raises(EmbeddedError, match="user id 987654 has none"):
        choose_runner(TRUE, tmp_path)


@as_root
def test_root_hands_over_to_a_system_user(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    chosen = choose_runner(TRUE, closed / "..", users=("no-such-user", "nobody"))
    assert chosen.uid not in {None, 0}


@as_root
def test_one_line_names_the_folder_that_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_CAPABILITIES", ())
    closed = tmp_path / "closed"
    inside = closed / "inside"
    inside.mkdir(parents=True)
    closed.chmod(0o700)
    with pytest.raises(EmbeddedError) as caught:
        choose_runner(TRUE, inside, users=("nobody",))
    assert any(f"cannot enter {folder}:" in str(caught.value) for folder in (closed, *closed.parents))
    assert "\n" not in str(caught.value)


@as_root
def test_no_system_user_at_all(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="root may not run PostgreSQL"):
        choose_runner(TRUE, tmp_path, users=("no-such-user",))
