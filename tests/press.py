"""A press for letters, made once, and reading back what it printed."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from pypdf import PdfReader

from yvaxportal.documents.template_folder import Templates
from yvaxportal.outputs.press import LetterPress, Office
from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.loading import load_schedule

OFFICE = Office(
    municipality="見本市",
    code="312029",
    office="健康福祉部 健康推進課",
    postal="683-0000",
    address="鳥取県見本市見本町一丁目1番地",
    phone="0859-00-0000",
    issuer="見本市長　見本　太郎",
)
OPTIONS: dict[str, Any] = {
    "until": "2027-03-31",
    "place": "市内の指定医療機関",
    "fee": "無料",
    "bring": "この接種券、予診票、母子健康手帳",
    "note": "体調のすぐれないときは接種を見合わせてください。",
    "ticket_kind": "2",
}
PRINTED_FOR = date(2026, 11, 29)


@cache
def press() -> LetterPress:
    """Return the press; fonts and codes are loaded once a test run."""
    return LetterPress(OFFICE, Templates.read(), load_schedule(load_catalogue()))


@dataclass(frozen=True)
class Parcel:
    """What is in the file of a run."""

    files: dict[str, bytes]

    @classmethod
    def of(cls, content: bytes) -> "Parcel":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return cls({name: archive.read(name) for name in archive.namelist()})

    @property
    def counts(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.files["run.json"])
        return found

    @property
    def rows(self) -> list[list[str]]:
        text = self.files["manifest.csv"].decode("utf-8-sig")
        return [line.split(",") for line in text.splitlines()]

    def pages(self, name: str = "letters.pdf") -> Iterator[str]:
        for page in PdfReader(io.BytesIO(self.files[name])).pages:
            yield "".join(page.extract_text().split())
