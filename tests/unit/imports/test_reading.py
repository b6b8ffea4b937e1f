"""Records, encodings and workbooks: whatever bytes come, a record or a reason, and bounded memory."""

import io
import zipfile
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from yvaxportal.services.imports.encodings import ENCODINGS, detect
from yvaxportal.services.imports.personal_numbers import PersonalNumberFoundError, guard
from yvaxportal.services.imports.records import Record, delimited, delimiter_of, fixed_length, lines_of
from yvaxportal.services.imports.workbook import WorkbookError, workbook_records

JAPANESE = "宛名番号,氏名\r\n1,見本　太郎\r\n2,ﾐﾎﾝ ﾊﾅｺ\r\n"


def read(data: bytes, encoding: str = "utf-8", delimiter: str = ",") -> list[Record]:
    return list(delimited(lines_of((data,), encoding), delimiter))


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
def test_every_encoding_in_pieces_of_any_size(encoding: str, piece: int) -> None:
    data = JAPANESE.encode(encoding)
    chunks = [data[at : at + piece] for at in range(0, len(data), piece)]
    records = list(delimited(lines_of(chunks, encoding), ","))
    assert [list(record.cells) for record in records] == [
        ["宛名番号", "氏名"],
        ["1", "見本　太郎"],
        ["2", "ﾐﾎﾝ ﾊﾅｺ"],
    ]
    assert [record.line for record in records] == [1, 2, 3]


def test_quotes_may_hold_line_breaks_and_delimiters() -> None:
    (record, after) = read(b'1,"a\r\nb,""c"""\r\n2,x\r\n')
    assert (list(record.cells), record.line) == (["1", 'a\nb,"c"'], 1)
    assert (list(after.cells), after.line) == (["2", "x"], 3)


def test_a_broken_quote_costs_its_line_only() -> None:
    records = read(b'1,"open\r\n2,x\r\n3,y"z\r\n4,ok\r\n')
    assert [(record.line, record.fault) for record in records if record.fault] == [
        (1, "broken_quotes"),
        (3, "broken_quotes"),
    ]
    assert [list(record.cells) for record in records if not record.fault] == [["2", "x"], ["4", "ok"]]


def test_a_line_in_another_encoding_costs_itself() -> None:
    data = "1,見本\r\n".encode() + "2,見本\r\n".encode("cp932") + "3,見本\r\n".encode()
    assert [record.fault for record in read(data)] == [None, "wrong_encoding", None]


def test_a_nul_costs_its_line() -> None:
    assert [record.fault for record in read(b"1,a\x00b\r\n2,c\r\n")] == ["nul", None]


def test_fixed_lengths_are_bytes() -> None:
    data = "1見本  \r\n2x    \r\n3xx\r\n".encode("cp932")
    records = list(fixed_length(lines_of((data,), "cp932"), (1, 6), "cp932"))
    assert [(list(record.cells), record.fault) for record in records] == [
        (["1", "見本"], None),
        ([], "wrong_length"),
        ([], "wrong_length"),
    ]


@given(st.binary(max_size=400), st.sampled_from(ENCODINGS))
def test_any_bytes_give_records_or_reasons(data: bytes, encoding: str) -> None:
    for record in delimited(lines_of((data,), encoding), ","):
        assert record.fault or record.cells
        assert "\x00" not in "".join(record.cells)


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n")), min_size=2)))
def test_what_is_written_is_read(rows: Sequence[Sequence[str]]) -> None:
    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"'

    text = "".join(",".join(map(quoted, row)) + "\r\n" for row in rows)
    assert [list(record.cells) for record in read(text.encode())] == [list(row) for row in rows]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (JAPANESE.encode(), [("utf-8", True)]),
        (b"\xef\xbb\xbf" + JAPANESE.encode(), [("utf-8", True)]),
        (JAPANESE.encode("cp932"), [("cp932", True)]),
        (b"\xff\xfe" + JAPANESE.encode("utf-16-le"), [("utf-16-le", True)]),
        (JAPANESE.encode("utf-16-be"), [("utf-16-be", True)]),
        (b"1,2,3\r\n", [("utf-8", True)]),
        # Half-width kana in CP932 that is also two-byte UTF-8: nobody can tell.
        ("ﾂｬ,1\r\n".encode("cp932"), [("utf-8", False), ("cp932", False)]),
        ("見本\r\n".encode() + "見本\r\n".encode("cp932"), [("cp932", False), ("utf-8", False)]),
    ],
    ids=range(8),
)
def test_encodings_are_found_or_asked_for(data: bytes, found: list[tuple[str, bool]]) -> None:
    assert [(one.encoding, one.sure) for one in detect([data])] == found
    assert sorted((one.encoding, one.sure) for one in detect([data[:5], data[5:]])) == sorted(found)


@given(st.text(st.sampled_from("見本東西南北アイウエオあいうえお、。0123abc"), min_size=3, max_size=60))
def test_japanese_text_is_told_apart(text: str) -> None:
    for encoding in ("utf-8", "cp932"):
        found = detect([f"見{text}\r\n".encode(encoding)])
        assert encoding in {one.encoding for one in found}
        if found[0].sure:
            assert found[0].encoding == encoding


def test_which_delimiter() -> None:
    assert (delimiter_of("a,b\tc"), delimiter_of("a\tb\tc,d"), delimiter_of("a")) == ("csv", "tsv", "csv")


def test_a_personal_number_is_named_by_place_only() -> None:
    with pytest.raises(PersonalNumberFoundError) as found:
        guard(7, ["a", "１２３４ ５６７８ ９０１８"])
    assert (found.value.line, found.value.column) == (7, 2)
    assert "1234" not in str(found.value)


def test_twelve_digits_that_are_none_are_masked() -> None:
    assert guard(1, ["a", "123456789012"]) == ["a", "************"]
    assert guard(1, ["a", "1234567890"]) is None


def sheet(rows: Sequence[Sequence[object]]) -> io.BytesIO:
    book, out = Workbook(), io.BytesIO()
    assert book.active is not None
    for row in rows:
        book.active.append(list(row))
    book.save(out)
    return out


def test_a_workbook_gives_texts_and_no_formulas() -> None:
    records = list(workbook_records(sheet([["番号", "値"], [12, 3.0], [None, None], ["x", "=1+1"]])))
    assert [(record.line, list(record.cells), record.fault) for record in records] == [
        (1, ["番号", "値"], None),
        (2, ["12", "3"], None),
        (4, ["x"], "formula"),
    ]


def test_a_bomb_is_not_unpacked() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (64 << 20))
    with pytest.raises(WorkbookError, match="workbook_too_large"):
        list(workbook_records(out))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"not a zip"])
def test_what_is_no_workbook(data: bytes) -> None:
    with pytest.raises(WorkbookError, match="not_a_workbook"):
        list(workbook_records(io.BytesIO(data)))
