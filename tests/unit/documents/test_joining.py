import subprocess
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.press import press
from tests.unit.documents.conftest import NOW, letter, run_data
from yvaxportal.documents.joining import UnknownFormError, join


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    found = []
    for number in range(3):
        letters = [letter(2 * number + 1), letter(2 * number + 2, name=f"見本　{number}子")]
        data = {"run": run_data(), "letters": letters}
        made = press().typesetter.set_letters("ticket", data, tmp_path, f"part{number}", now=NOW)
        found.append(made.pdf)
    return found


def test_all_pages_are_there_in_order_as_others_read_them(parts: list[Path], tmp_path: Path) -> None:
    whole = tmp_path / "whole.pdf"
    assert join(parts, whole) == 6
    checked = subprocess.run(["qpdf", "--check", whole], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    separate = [page.extract_text() for part in parts for page in PdfReader(part).pages]
    assert [page.extract_text() for page in PdfReader(whole).pages] == separate


def test_what_it_looks_like_is_the_same(parts: list[Path], tmp_path: Path) -> None:
    whole = tmp_path / "whole.pdf"
    join(parts, whole)

    def picture(path: Path, page: int) -> bytes:
        told = subprocess.run(
            ["pdftoppm", "-r", "40", "-f", str(page), "-l", str(page), path], capture_output=True, check=True
        )
        return told.stdout

    assert picture(whole, 4) == picture(parts[1], 2)


@pytest.mark.parametrize("spoil", [b"", b"%PDF-1.7\n", b"no PDF at all"])
def test_another_kind_of_file_is_refused(parts: list[Path], tmp_path: Path, spoil: bytes) -> None:
    parts[1].write_bytes(spoil)
    whole = tmp_path / "whole.pdf"
    with pytest.raises(UnknownFormError, match="part1"):
        join(parts, whole)
    assert not whole.exists()


def test_a_cut_file_is_refused(parts: list[Path], tmp_path: Path) -> None:
    parts[1].write_bytes(parts[1].read_bytes()[:-200])
    with pytest.raises(UnknownFormError):
        join(parts, tmp_path / "whole.pdf")
