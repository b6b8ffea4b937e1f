"""The other side of an exchange, written from docs/protocols/folder.md and with none of the portal's code."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

CITY = "312029"
JST = timezone(timedelta(hours=9))
START = datetime(2026, 11, 23, 1, 0, tzinfo=JST)
PERSON = {
    "atenabango": "",
    "setaibango": "H1",
    "shikuchosonkodo": CITY,
    "rirekibango": "1",
    "juminkubun": "1",
    "shimei": "見本　太郎",
    "shimei_furigana": "ミホン　タロウ",
    "shimei_gaikokujinromaji": "",
    "tsusho": "",
    "kyuji": "",
    "seinengappi": "1980-05-17",
    "seibetsu": "1",
    "zokugara": "世帯主",
    "jumin_jiyu": "転入",
    "jumin_idobi": "2020-04-01",
    "jumin_todokedebi": "2020-04-02",
    "hijumin_jiyu": "",
    "hijumin_idobi": "",
    "hijumin_todokedebi": "",
    "jusho_yubinbango": "6830811",
    "jusho": "鳥取県米子市錦町1-139-3",
    "jusho_kodo": "",
    "jusho_choazakodo": "",
    "jichikai": "",
    "shogakkoku": "見本小",
    "chugakkoku": "",
    "tennyumae_jusho": "",
    "tenshutsugo_jusho": "",
    "kokuseki": "",
    "dai30jo45kubun": "",
    "zairyushikaku": "",
    "zairyukikan": "",
    "zairyukadobango": "",
    "shien_kaishibi": "",
    "shien_shuryobi": "",
    "shien_kari": "",
}
NOBODY = dict.fromkeys(PERSON, "") | {"shikuchosonkodo": CITY}


def person(number: str, **said: str) -> dict[str, str]:
    """Return a line of JUMIN."""
    return PERSON | {"atenabango": number} | said


def change(serial: str, kind: str, subject: dict[str, str], at: datetime, other: str = "") -> dict[str, str]:
    """Return a line of IDO."""
    return {
        "idobango": serial,
        "idokubun": kind,
        "idobi": at.date().isoformat(),
        "shorinichiji": at.isoformat(),
        "aite_atenabango": other,
    } | subject


def taxation(number: str, year: int, state: str, household: str = "H1") -> dict[str, str]:
    """Return a line of KAZEI."""
    return {"atenabango": number, "setaibango": household, "nendo": f"{year}", "kazeikubun": state}


def period(
    number: str, kind: str, state: str, first: str, last: str = "", detail: str = ""
) -> dict[str, str]:
    """Return a line of SHIKAKU."""
    return {
        "atenabango": number,
        "seidokubun": kind,
        "jotaikubun": state,
        "kaishibi": first,
        "shuryobi": last,
        "shosai": detail,
    }


@dataclass
class OtherSide:
    """A system that puts files into a folder."""

    root: Path
    layout: str
    difference_layout: str = ""

    @property
    def inbox(self) -> Path:
        return self.root / "in"

    def text(
        self, letter: str, sequence: int, rows: Sequence[dict[str, str]], as_of: datetime, **said: str
    ) -> str:
        """Return a file. ``said`` replaces parts of header and trailer."""
        layout = self.difference_layout if letter == "S" and self.difference_layout else self.layout
        written = io.StringIO()
        out = csv.writer(written, lineterminator="\r\n")
        city = said.get("city", CITY)
        out.writerow(["H", layout, "1", city, letter, f"{sequence:08}", as_of.isoformat()])
        out.writerows(["D", *row.values()] for row in rows)
        total = sum(int(row["atenabango"] or 0) for row in rows if row["atenabango"].isdigit())
        out.writerow(["T", said.get("count", len(rows)), said.get("total", total % 10**15)])
        return written.getvalue()

    def name(self, letter: str, sequence: int, as_of: datetime, city: str = CITY) -> str:
        """Return the name of a file."""
        layout = self.difference_layout if letter == "S" and self.difference_layout else self.layout
        return f"{layout}_{letter}_{city}_{sequence:08}_{as_of:%Y%m%d%H%M%S}.csv"

    def deliver(
        self,
        letter: str,
        sequence: int,
        rows: Sequence[dict[str, str]],
        as_of: datetime | None = None,
        **said: str,
    ) -> str:
        """Put a file into the folder and return its name."""
        moment = as_of or START + timedelta(minutes=10 * sequence)
        name = self.name(letter, sequence, moment, said.get("city", CITY))
        self.put(name, self.text(letter, sequence, rows, moment, **said).encode())
        return name

    def put(self, name: str, content: bytes) -> None:
        """Put any content there, whole."""
        beside = self.inbox / f".{name}.tmp"
        beside.write_bytes(content)
        beside.rename(self.inbox / name)

    def acknowledgement(self, name: str) -> dict[str, str]:
        """Return what the portal said of a file."""
        with (self.root / "ack" / f"{name}.ack").open(encoding="utf-8", newline="") as file:
            (only,) = csv.DictReader(file)
        return only

    def errors(self, name: str) -> list[tuple[str, str, str]]:
        """Return line, column and code of each refused line."""
        path = self.root / "ack" / f"{name}.err"
        if not path.exists():
            return []
        with path.open(encoding="utf-8", newline="") as file:
            return [(row["line"], row["column"], row["code"]) for row in csv.DictReader(file)]
