"""Letters set for the tests, and what stands where in them."""

import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from tests.press import OFFICE, press
from yvaxportal.documents.setting import SetLetters

# With a fraction of a second, as clocks have it.
NOW = datetime(2026, 11, 29, 0, 0, 0, 123456, tzinfo=UTC)
LINE = "223120290000000041"
#: The digits of a questionnaire's line and two zeros.
CODE = "312029010000001200000100000000000001920200601700"
MM = 72 / 25.4
#: A text and where it begins, in mm from the upper left corner of its page.
Placed = tuple[str, float, float]
Setter = Callable[..., SetLetters]


def letter(sequence: int = 1, **said: Any) -> dict[str, Any]:
    return {
        "sequence": sequence,
        "postal": "683-0001",
        "address": "鳥取県見本市東町１丁目２番地３",
        "addressee": "見本　花子",
        "guardian": True,
        "name": "見本　花子",
        "kana": "ミホン　ハナコ",
        "born": "令和2年6月1日",
        "sex": "女",
        "atena": "0000000019",
        "dose": 2,
        "ticket": {
            "kind": "2",
            "kind-name": "接種券",
            "dose": 2,
            "number": LINE[8:],
            "line": LINE,
            "qr": press().ticket_code.modules(LINE),
        },
        "questionnaire": {
            "line": "312029 01 00000012 000001 000000000000019 20200601 7",
            "qr": press().questionnaire_code.modules(CODE),
        },
        "doses": [
            {"number": 1, "day": "令和3年7月1日", "vaccine": "MR", "lot": "Y012", "place": "見本小児科"}
        ],
    } | said


def run_data(**said: Any) -> dict[str, Any]:
    return {
        "number": 12,
        "kind": "ticket",
        "title": "麻しん風しん混合（第２期）予防接種のお知らせ",
        "programme": "麻しん風しん混合（第２期）",
        "printed_for": "令和8年11月29日",
        "sample": False,
        "office": dict(OFFICE.said()),
        "options": {
            "until": "令和9年3月31日",
            "place": "市内の指定医療機関",
            "fee": "無料",
            "bring": "この接種券、予診票、母子健康手帳",
            "note": "体調のすぐれないときは接種を見合わせてください。",
        },
    } | said


@pytest.fixture
def set_letters(tmp_path: Path) -> Setter:
    """Set letters of a template in a folder of the test."""

    def run(template: str, *letters: Mapping[str, Any], **said: Any) -> SetLetters:
        data = {"run": run_data(**said), "letters": list(letters or (letter(),))}
        return press().typesetter.set_letters(template, data, tmp_path, "out", now=NOW)

    return run


def placed_texts(path: Path, page: int = 0) -> list[Placed]:
    """Return the texts of a page and where each begins; what lies on the form is among them."""
    sheet = PdfReader(io.BytesIO(path.read_bytes())).pages[page]
    height = float(sheet.mediabox.height)
    found: list[Placed] = []

    def see(text: str, matrix: list[float], line: list[float], _font: Any, _size: float) -> None:
        if text.strip():
            x = line[4] * matrix[0] + line[5] * matrix[2] + matrix[4]
            y = line[4] * matrix[1] + line[5] * matrix[3] + matrix[5]
            found.append((text.strip(), x / MM, (height - y) / MM))

    sheet.extract_text(visitor_text=see)
    return found
