"""What is written about a file that was dealt with: acknowledgement, errors, and what is kept aside."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from yvaxportal.adapters.folder.faults import DUPLICATE, TEXTS, Fault
from yvaxportal.adapters.folder.layouts import Layout
from yvaxportal.adapters.folder.ledger import Entry, Result
from yvaxportal.adapters.folder.lines import Encoding
from yvaxportal.adapters.folder.writing import whole_file
from yvaxportal.values.text import contains_personal_number

#: An error file has so many lines at most, then one that says that there is more.
MOST_ERRORS = 10_000
#: So much of a refused file is kept.
MOST_KEPT = 64 << 20
ACK, ERR, LINES = ".ack", ".err", ".lines"
_ACK_TITLES = ("file", "sha256", "result", "code", "line", "lines", "accepted", "refused", "taken_at", "text")
_ERR_TITLES = ("line", "column", "code", "text")
_HIDDEN = "****"
_LONGEST = 1 << 14
_RUN = re.compile(r"\d{12,}")
_RESULTS = {
    Result.ACCEPTED: "受領しました。",
    Result.PARTLY: "受領しましたが、誤りのある行は受け付けていません。",
    Result.REFUSED: "受け付けませんでした。",
    Result.DUPLICATE: TEXTS[DUPLICATE],
}


def write_acknowledgement(folder: Path, name: str, entry: Entry, *, duplicate: bool = False) -> None:
    """Write ``<name>.ack``; of a duplicate it has the figures of the first."""
    result = Result.DUPLICATE if duplicate else entry.result
    code = DUPLICATE if duplicate else entry.code
    text = _RESULTS[result] + (TEXTS[code] if code and not duplicate else "")
    row = [
        name,
        entry.digest,
        result.value,
        code,
        entry.line or "",
        entry.lines,
        entry.accepted,
        entry.refused,
        entry.taken_at,
        text,
    ]
    with whole_file(folder / f"{name}{ACK}") as file:
        file.write(_csv([_ACK_TITLES, row]))


def write_errors(folder: Path, name: str, faults: Sequence[Fault]) -> None:
    """Write ``<name>.err``, a line for each refused line and never a value; no file when there is none."""
    path = folder / f"{name}{ERR}"
    if not faults:
        path.unlink(missing_ok=True)
        return
    rows: list[Sequence[object]] = [
        (fault.line, fault.column, fault.code, TEXTS[fault.code]) for fault in faults[:MOST_ERRORS]
    ]
    if len(faults) > MOST_ERRORS:
        rows.append(("", "", "MORE", f"ほか{len(faults) - MOST_ERRORS}行"))
    with whole_file(path) as file:
        file.write(_csv([_ERR_TITLES, *rows]))


def keep_lines(
    folder: Path,
    name: str,
    layout: Layout,
    faults: Iterable[Fault],
    cut: Iterable[tuple[int, list[str] | None]],
) -> None:
    """Keep refused lines aside with their reasons; what may be a personal number is not among it."""
    reasons = {fault.line: fault for fault in faults}
    offset = 1 if layout.marks else 0
    secret = [place + offset for place, column in enumerate(layout.columns) if column.is_secret]
    with whole_file(folder / f"{name}{LINES}") as file:
        for line, fields in cut:
            fault = reasons[line]
            shown = [_HIDDEN] if fields is None or secret else fields
            shown = [_HIDDEN if _suspect(value) else value for value in shown]
            file.write(_csv([(fault.line, fault.column, fault.code, *shown)]))


def keep_file(folder: Path, name: str, source: Path, encoding: Encoding, *, hide: bool) -> None:
    """Keep a refused file aside as UTF-8, without what may be personal numbers.

    :param hide: of lines of data only the length is kept. So it must be with a file of no known layout, or of
        one with a column of personal numbers: where such a number stands in a damaged line cannot be known.
    """
    with whole_file(folder / name) as file:
        for line in _decoded(source, encoding):
            if _suspect(line) or (hide and not line.startswith(("H,", "T,"))):
                file.write(f"{_HIDDEN} ({len(line)})\n".encode())
            else:
                file.write(f"{line}\n".encode())


def _decoded(source: Path, encoding: Encoding) -> Iterator[str]:
    codec = "utf-8" if encoding is Encoding.UTF_8_BOM else encoding.value
    kept = 0
    with source.open(encoding=codec, errors="backslashreplace", newline="\n") as file:
        while kept < MOST_KEPT and (line := file.readline(_LONGEST)):
            kept += len(line)
            yield line.rstrip("\r\n")


def _suspect(text: str) -> bool:
    # A number may also stand inside a longer run, when columns of fixed length were cut at the wrong places.
    return contains_personal_number(text) or any(len(run) != 15 for run in _RUN.findall(text))  # noqa: PLR2004 - atenabango


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
