"""What is written is read again as it was, in every encoding and form; what cannot be is named."""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.adapters_folder.layout_of import people_layouts
from yvaxportal.adapters.folder.faults import COUNT, NO_TRAILER, TOTAL, FileFaultError
from yvaxportal.adapters.folder.layouts import Layout, Named, Scope
from yvaxportal.adapters.folder.reading import Reading, Wanted
from yvaxportal.adapters.folder.writing import CannotWriteError, write_delivery

CITY = "312029"
NAMED = Named(Scope.FULL, 12, datetime(2026, 11, 22, 15, 0, 5, tzinfo=UTC), CITY)
COLUMNS = ("number", "name", "born", "moved", "sex")
WAYS = list(product(("cp932", "utf-8", "utf-8-sig", "utf-16"), ("csv", "fixed")))
AWKWARD = ["髙﨑　德", "見本, 太郎", '見本"太郎', "ｱｲｳ", "𠮷野", "葛󠄀城", "D", "T", "\\"]


def reading(path: Path, layout: Layout) -> Reading:
    return Reading(
        path,
        layout,
        NAMED,
        Wanted(COLUMNS, "number", lambda _values: None),
        municipality_code=CITY,
        digest=sha256(path.read_bytes()).hexdigest(),
        refused_percent=1,
    )


def read(path: Path, layout: Layout) -> list[list[str]]:
    found = reading(path, layout)
    rows = [values for _, values in found.rows()]
    assert found.faults == []
    return rows


@pytest.fixture
def layouts(tmp_path: Path) -> dict[tuple[str, str], Layout]:
    return {
        (encoding, form): people_layouts(tmp_path, encoding=encoding, form=form).full
        for encoding, form in WAYS
    }


def comes_back(text: str, codec: str) -> bool:
    try:
        return text.encode(codec).decode(codec) == text
    except UnicodeError:
        return False


# The longest name has 10 characters, of 4 bytes at most: it fits every width.
NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Cn"]), max_size=10).filter(
    lambda text: not set(text) & set("\ufffd\ufffe\uffff")
) | st.sampled_from(AWKWARD)
ROWS = st.lists(
    st.tuples(
        st.integers(1, 10**15 - 1).map(str),
        NAMES,
        st.sampled_from(["1955-00-00", "1955-04-00", "2024-02-29", "0000-00-00", ""]),
        st.dates().map(str) | st.just(""),
        st.sampled_from(["0", "1", "2", ""]),
    ),
    max_size=8,
)
QUIET = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)


@QUIET
@given(rows=ROWS, way=st.sampled_from(WAYS))
def test_what_is_written_is_read_or_named(
    tmp_path: Path, layouts: dict[tuple[str, str], Layout], rows: list[Sequence[str]], way: tuple[str, str]
) -> None:
    layout, path = layouts[way], tmp_path / "file"
    path.unlink(missing_ok=True)
    impossible = {
        place
        for place, row in enumerate(rows, 1)
        if not comes_back(row[1], "cp932" if way[0] == "cp932" else "utf-8")
    }
    if impossible:
        with pytest.raises(CannotWriteError) as caught:
            write_delivery(path, layout, NAMED, CITY, rows)
        assert {problem.row for problem in caught.value.problems} == impossible
        assert {problem.column for problem in caught.value.problems} == {"name"}
        assert not path.exists()
    else:
        assert write_delivery(path, layout, NAMED, CITY, rows) == len(rows)
        assert read(path, layout) == [list(row) for row in rows]
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_a_name_that_cp932_lacks_is_named_and_nothing_is_written(
    tmp_path: Path, layouts: dict[tuple[str, str], Layout]
) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    rows = [["1", "髙﨑", "", "", ""], ["2", "𠮷野", "", "", ""], ["3", "〜", "", "", ""]]
    with pytest.raises(CannotWriteError) as caught:
        write_delivery(path, layouts["cp932", "csv"], NAMED, CITY, rows)
    problems = [(one.row, one.column, one.problem) for one in caught.value.problems]
    # U+301C has bytes, but they come back as U+FF5E: another character.
    assert problems == [(2, "name", "encoding"), (3, "name", "encoding")]
    assert "𠮷" not in str(caught.value)
    assert path.read_text() == "before"


@pytest.mark.parametrize("way", WAYS)
def test_every_part_of_a_file_is_refused_as_half_a_file(
    tmp_path: Path, layouts: dict[tuple[str, str], Layout], way: tuple[str, str]
) -> None:
    path = tmp_path / "file"
    rows = [[f"{serial}", "見本　花子", "2020-01-01", "", "2"] for serial in range(1, 6)]
    write_delivery(path, layouts[way], NAMED, CITY, rows)
    whole = path.read_bytes()
    lines = whole.count(b"\n")
    # The last line's end may be missing: every byte before counts.
    unit = 2 if way[0] == "utf-16" else 1
    fixed_filling = len(whole.rstrip(b"\r\n\x00 ")) if way[1] == "fixed" else len(whole) - 2 * unit
    for end in range(0, fixed_filling, 7):
        path.write_bytes(whole[:end])
        with pytest.raises(FileFaultError):
            list(reading(path, layouts[way]).rows())
    assert lines == 7


def test_a_lost_line_is_found_by_count_and_by_total(
    tmp_path: Path, layouts: dict[tuple[str, str], Layout]
) -> None:
    path, layout = tmp_path / "file", layouts["utf-8", "csv"]
    write_delivery(path, layout, NAMED, CITY, [[f"{serial}", "", "", "", ""] for serial in (7, 8)])
    whole = path.read_bytes()
    assert whole.endswith(b"\r\nT,2,15\r\n")
    cases = {
        whole.replace(b"D,8,,,,\r\n", b""): COUNT,
        whole.replace(b"D,8", b"D,9"): TOTAL,
        whole.replace(b"T,2,15", b"T,2"): NO_TRAILER,
        whole + b"D,8,,,,\r\n": NO_TRAILER,
    }
    for content, code in cases.items():
        path.write_bytes(content)
        with pytest.raises(FileFaultError) as caught:
            list(reading(path, layout).rows())
        assert caught.value.code == code
