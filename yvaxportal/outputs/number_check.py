"""Looking for personal numbers in what was written, whatever the layout promised (measure M26)."""

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from yvaxportal.values.text import mask_personal_numbers

#: Enough of what stood before that a number cut by the end of a piece is seen whole in the next one.
_OVERLAP = 64
_PIECE = 1 << 18
#: A SHA-256 in hexadecimal, such as the counts of a run of letters carry: of some 400 one has 12 digits in a
#: row that could be a personal number.
_DIGEST = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{64}(?![0-9A-Za-z])")
_TEXT = frozenset({".csv", ".txt", ".json", ".jsonl", ".xml", ".typ", ".rels"})
_ARCHIVES = frozenset({".zip", ".xlsx"})


def holds_personal_number(path: Path, *, encoding: str = "utf-8") -> bool:
    """Tell whether a file holds 12 digits with the check digit of a personal number.

    Text and the parts of archives (XLSX is one) are searched. A PDF draws glyphs, not digits: what it was
    typeset from is searched instead (``Made.source_files``).

    :param encoding: of plain text; parts of an XLSX are UTF-8.
    """
    suffix = path.suffix.lower()
    if suffix in _ARCHIVES:
        with zipfile.ZipFile(path) as archive:
            return any(_member_holds(archive, name) for name in archive.namelist())
    if suffix in _TEXT:
        with path.open("rb") as file:
            return _text_holds(file, encoding)
    return False


def _member_holds(archive: zipfile.ZipFile, name: str) -> bool:
    if Path(name).suffix.lower() not in _TEXT:
        return False
    with archive.open(name) as member:
        return _text_holds(member, "utf-8")


def _text_holds(file: IO[bytes], encoding: str) -> bool:
    texts = (_DIGEST.sub("", piece) for piece in _pieces(file, encoding))
    return any(mask_personal_numbers(text) != text for text in texts)


def _pieces(file: IO[bytes], encoding: str) -> Iterator[str]:
    before = ""
    with io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="") as text:
        while piece := text.read(_PIECE):
            yield before + piece
            before = piece[-_OVERLAP:]
