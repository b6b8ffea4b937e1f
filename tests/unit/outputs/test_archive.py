"""Archives and what is looked for before there is one."""

import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.leaving import content_of
from yvaxportal.outputs.archive import make_password, write_archive
from yvaxportal.outputs.number_check import holds_personal_number
from yvaxportal.outputs.store import FileChangedError, check_unchanged, digest, wipe_file

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
VALID = "123456789018"


def test_what_goes_in_comes_out_of_another_program(tmp_path: Path) -> None:
    plain = tmp_path / "list.csv"
    plain.write_bytes("見本　太郎\r\n".encode() * 200_000)
    made = write_archive(
        plain, "一覧.csv", tmp_path / "1.zip", tmp_path / "1.part", now=NOW, tick=lambda: None
    )
    archive = tmp_path / "1.zip"
    name, content = content_of(archive, made.password)
    assert (name, content) == ("一覧.csv", plain.read_bytes())
    assert archive.stat().st_size == made.size
    with archive.open("rb") as file:
        assert digest(file) == made.sha256
    with plain.open("rb") as file:
        assert digest(file) == made.content_sha256
    assert made.password not in repr(made)
    with pytest.raises(RuntimeError):
        content_of(archive, make_password())


def test_writing_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    plain = tmp_path / "list.csv"
    plain.write_bytes(b"x" * (1 << 20))

    def tick() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        write_archive(plain, "a.csv", tmp_path / "1.zip", tmp_path / "1.part", now=NOW, tick=tick)
    assert list(tmp_path.iterdir()) == [plain]


def test_passwords_are_strong_typeable_and_never_the_same() -> None:
    passwords = {make_password() for _ in range(500)}
    assert len(passwords) == 500
    letters = set("".join(passwords)) - {"-"}
    assert not letters & set("ilo01")
    assert letters <= set("abcdefghijklmnopqrstuvwxyz0123456789")
    assert {len(password.replace("-", "")) for password in passwords} == {25}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (VALID, True),
        (f"a,{VALID},b", True),
        ("1234 5678 9018", True),
        ("1234-5678-9018", True),
        ("１２３４５６７８９０１８", True),
        ("123456789019", False),
        (f"1{VALID}", False),
        ("0000000123", False),
        ("0859-00-0123", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "json", "zip", "xlsx"])
def test_personal_numbers_are_found_in_text_and_in_archives(
    tmp_path: Path, text: str, found: bool, kind: str
) -> None:
    path = tmp_path / f"a.{kind}"
    if kind in {"zip", "xlsx"}:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/sheet.xml", f"<t>{text}</t>")
    else:
        path.write_text(text, encoding="utf-8")
    assert holds_personal_number(path) is found


def test_a_number_across_two_pieces_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for before in range((1 << 18) - 14, (1 << 18) + 2):
        path.write_text("x" * before + VALID + "y" * 100)
        assert holds_personal_number(path), before


def test_shift_jis_is_read_as_such(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("見本，１２３４５６７８９０１８".encode("cp932"))
    assert holds_personal_number(path, encoding="cp932")


def test_a_wiped_file_is_overwritten_first(tmp_path: Path) -> None:
    path = tmp_path / "1.zip"
    path.write_bytes(b"secret" * 1000)
    with path.open("rb") as still_open:
        wipe_file(path)
        assert not path.exists()
        assert set(still_open.read()) == {0}
    wipe_file(path)


def test_a_missing_archive_is_a_changed_one(tmp_path: Path) -> None:
    with pytest.raises(FileChangedError):
        check_unchanged(tmp_path, 1, "0" * 64)


def test_twelve_digits_inside_a_digest_are_none(tmp_path: Path) -> None:
    digest = "3068430da9e4b7a674184035643d9e19af3dc7483e31cc03b35f75268401df77"
    path = tmp_path / "run.json"
    path.write_text(f'{{"data_sha256": "{digest}"}}', "utf-8")
    assert not holds_personal_number(path)
    # Anything longer or shorter than a digest is looked at.
    for written in (digest + "0", digest[1:], digest + " 674184035643"):
        path.write_text(f'{{"data_sha256": "{written}"}}', "utf-8")
        assert holds_personal_number(path), written
