"""Tickets as one PDF on one core: from people as the database gives them to the file, beside bare Typst.

The portal's side checks the characters of every name, writes every line and QR code, sets bundle by bundle,
compares measurements with the PDF and joins the bundles. The other side gets the finished data, all letters
in one file, and the same templates: it only compiles. Each runs in a process of its own, bound to one core,
and the seconds are those of that core, whatever else the machine does meanwhile.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typst

from bench.report import Measure
from yvaxportal.documents.joining import join
from yvaxportal.documents.setting import DATA
from yvaxportal.documents.template_folder import Templates
from yvaxportal.models.codes import LetterKind, ResidentCategory, Sex
from yvaxportal.models.letter import LetterRun
from yvaxportal.outputs.letter_data import LetterWriter, printed_texts
from yvaxportal.outputs.press import LetterPress, Office
from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.loading import load_schedule
from yvaxportal.services.letters.recipients import Recipient

BAR_LETTERS, BAR_PAGES_A_SECOND, BAR_RATIO = 10_000, 700, 1.3
_ATTEMPTS = 2
_NOW, _DAY = datetime(2026, 11, 29, tzinfo=UTC), date(2026, 11, 29)
_OFFICE = Office(
    "見本市", "312029", "健康推進課", "683-0000", "鳥取県見本市見本町一丁目1番地", "0859-00-0000", "見本市長"
)
_OPTIONS = {
    "until": "2027-03-31",
    "place": "市内の指定医療機関",
    "fee": "無料",
    "bring": "この接種券、予診票、母子健康手帳",
    "note": "体調のすぐれないときは接種を見合わせ、回復してからお受けください。",
    "ticket_kind": "2",
}
_NAMES = "佐藤鈴木高橋田中伊渡辺山本村小林加吉松井斎清水崎森池阿部石川下島前岡長谷後近遠青坂"


def measures(letters: int = BAR_LETTERS) -> list[Measure]:
    """Return the lines about ``letters`` tickets; the better of two attempts on each side."""
    ours, bare = (
        min((_apart(side, letters) for _attempt in range(_ATTEMPTS)), key=lambda told: told["seconds"])
        for side in ("ours", "bare")
    )
    pace, ratio = letters / ours["seconds"], ours["seconds"] / bare["seconds"]
    judged = letters == BAR_LETTERS
    return [
        Measure(
            f"{letters:,} tickets as one PDF, pages a second on one core",
            f"{pace:,.0f}",
            f"at least {BAR_PAGES_A_SECOND}",
            pace >= BAR_PAGES_A_SECOND if judged else None,
        ),
        Measure(
            "... against bare Typst on the finished data",
            f"{ratio:.2f}x of {bare['seconds']:.1f} s",
            f"at most {BAR_RATIO}x",
            ratio <= BAR_RATIO if judged else None,
        ),
        Measure("... memory at most, ours and bare", f"{ours['megabytes']:,} MB, {bare['megabytes']:,} MB"),
    ]


def _apart(side: str, letters: int) -> dict[str, Any]:
    """Measure one side in a process of its own."""
    command = [sys.executable, "-m", "bench.letters", side, str(letters)]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def _press() -> LetterPress:
    press = LetterPress(_OFFICE, Templates.read(), load_schedule(load_catalogue()))
    # What a worker has loaded since its first letter.
    press.glyphs.lacking("見本")
    press.ticket_code.modules("0" * 18)
    return press


def _people(count: int) -> list[Recipient]:
    """Return made-up children, no two of whom have the same name."""
    nobody = Recipient(
        resident_id=0,
        atena_number="",
        name="",
        name_kana="ミホン",
        date_of_birth_written="2020-06-01",
        date_of_birth=date(2020, 6, 1),
        sex=Sex.FEMALE,
        is_foreign_national=False,
        category=ResidentCategory.RESIDENT,
        protected=False,
        released=False,
        dose_number=2,
        ticket_id=None,
        postal_code="6830001",
        address="",
    )
    return [
        replace(
            nobody,
            resident_id=number,
            atena_number=f"{number:010d}",
            name=f"{_drawn(number, 'family', 2)}　{_drawn(number, 'given', 2)}",
            address=f"鳥取県見本市{_drawn(number // 40, 'town', 2)}町{number % 900 + 1}番地"
            + (f"　見本住宅{number % 30 + 101}号" if number % 3 == 0 else ""),
        )
        for number in range(1, count + 1)
    ]


def _drawn(number: int, part: str, length: int) -> str:
    drawn = hashlib.sha256(f"{part}{number}".encode()).digest()
    return "".join(_NAMES[byte % len(_NAMES)] for byte in drawn[:length])


def _ours(people: list[Recipient], folder: Path) -> float:
    press = _press()
    run = LetterRun(
        id=1, kind=LetterKind.TICKET, title="予防接種のお知らせ", printed_for=_DAY, options=_OPTIONS
    )
    programme = press.schedule.programmes["mr2"]
    began = time.process_time()
    writer = LetterWriter(press, run, programme)
    parts = []
    for number, batch in enumerate(_bundles(people, press.bundle_size), start=1):
        letters = [
            writer.letter(one, one.resident_id, f"{one.resident_id:010d}")
            for one in batch
            if not press.glyphs.lacking(*printed_texts(one))
        ]
        data = {"run": writer.run_data, "letters": letters}
        parts.append(press.typesetter.set_letters("ticket", data, folder, f"part{number}", now=_NOW).pdf)
    pages = join(parts, folder / "letters.pdf")
    spent = time.process_time() - began
    if pages != len(people):
        raise RuntimeError("a letter is missing")
    return spent


def _bare(people: list[Recipient], folder: Path) -> float:
    press = _press()
    run = LetterRun(
        id=1, kind=LetterKind.TICKET, title="予防接種のお知らせ", printed_for=_DAY, options=_OPTIONS
    )
    writer = LetterWriter(press, run, press.schedule.programmes["mr2"])
    press.typesetter.prepare("ticket", writer.run_data, folder, now=_NOW)
    letters = [writer.letter(one, one.resident_id, f"{one.resident_id:010d}") for one in people]
    content = json.dumps({"run": writer.run_data, "letters": letters}, ensure_ascii=False)
    (folder / DATA).unlink(missing_ok=True)
    (folder / DATA).write_text(content, "utf-8")
    began = time.process_time()
    typst.compile(
        folder / "ticket.typ",
        output=folder / "bare.pdf",
        root=folder,
        font_paths=press.fonts.loaded,
        pdf_tags=False,
    )
    return time.process_time() - began


def _bundles(people: list[Recipient], size: int) -> Iterator[list[Recipient]]:
    for start in range(0, len(people), size):
        yield people[start : start + size]


def _peak() -> int:
    """Return the most memory that this process had, in MB."""
    status = Path("/proc/self/status").read_text("ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


def main(side: str, letters: int) -> None:
    """Measure one side on one core and print what it took."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    people = _people(letters)
    with TemporaryDirectory(prefix="yvax-bench-letters-") as name:
        seconds = {"ours": _ours, "bare": _bare}[side](people, Path(name))
    print(json.dumps({"seconds": seconds, "megabytes": _peak()}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
