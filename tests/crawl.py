"""Looking for personal numbers in everything that the portal answers, stores and logs."""

import base64
import hashlib
import io
import logging
import re
import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import psycopg
from webtest import TestApp

from tests.database import DatabaseServer
from yvaxportal.embedded.places import DatabaseUrls, data_folder, log_file
from yvaxportal.embedded.roles import libpq
from yvaxportal.embedded.server import find_programs

_SEPARATORS = r"[\s\-‐－ー　]?"


class Leaks:
    """Finds any of some numbers in text or bytes, in the writings a leak could have."""

    def __init__(self, numbers: Sequence[str]) -> None:
        self.text = re.compile("|".join(form for number in numbers for form in _writings(number)))
        self.bytes = re.compile(
            b"|".join(
                number[:4].encode() + b"[ -]?" + number[4:8].encode() + b"[ -]?" + number[8:].encode()
                for number in numbers
            )
        )

    def lines(self, lines: Sequence[str]) -> list[str]:
        """Return the beginnings of those with a number, without it."""
        return [self.text.sub("<NUMBER>", line)[:300] for line in lines if self.text.search(line)]


def _writings(number: str) -> Iterator[str]:
    """Give digits, card writing, full width, bytes in hexadecimal, base64, and what a careless hash is."""
    yield _SEPARATORS.join((number[:4], number[4:8], number[8:]))
    yield "".join(chr(ord(digit) + 0xFEE0) for digit in number)
    yield number.encode("ascii").hex()
    yield re.escape(base64.b64encode(number.encode("ascii")).decode("ascii").rstrip("="))
    for name in ("sha256", "sha1", "md5"):
        yield hashlib.new(name, number.encode("ascii")).hexdigest()


class Witness:
    """A visitor who keeps whatever was answered, headers and all."""

    def __init__(self, visitor: TestApp) -> None:
        self.visitor = visitor
        self.seen: list[str] = []

    def keep(self, answer: Any) -> Any:
        """Keep an answer and return it."""
        self.seen.append(f"{answer.status}\n{answer.headers}\n{_text_of(answer)}")
        return answer

    def get(self, url: str) -> Any:
        """Ask for a page, whatever the answer's status."""
        return self.keep(self.visitor.get(url, expect_errors=True))

    def submit(self, form: Any, button: str, **answers: str) -> Any:
        """Send a form with some of its fields filled."""
        for name, value in answers.items():
            form[name if name in form.fields else f"{form.id}-{name}"].force_value(value)
        return self.keep(form.submit(button, expect_errors=True))

    def crawl(self, starts: Sequence[str], most_pages: int = 400) -> int:
        """Follow every link inside the portal; return how many pages were there."""
        waiting, known = list(starts), set(starts)
        opened = 0
        while waiting and opened < most_pages:
            url = waiting.pop(0)
            answer = self.get(url)
            opened += answer.status_int == 200
            for link in answer.html.select("a[href]") if "html" in answer.content_type else ():
                parts = urlsplit(urljoin(url, link["href"]))
                path = parts.path + (f"?{parts.query}" if parts.query else "")
                inside = parts.netloc in {"", "localhost", "localhost:80"}
                if inside and path not in known and "static" not in path:
                    known.add(path)
                    waiting.append(path)
        return opened


def _text_of(answer: Any) -> str:
    """Return an answer as text; a workbook opened, since what is packed hides what it holds."""
    if answer.charset is not None:
        return str(answer.text)
    if zipfile.is_zipfile(io.BytesIO(answer.body)):
        with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
            return "\n".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
    return str(answer.body.decode("latin-1"))


@contextmanager
def all_logs() -> Iterator[list[str]]:
    """Collect what is logged at any level, with its parameters, before any filter could mask it."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(logging.Formatter("%(name)s %(message)s").format(record))

    root, keep = logging.getLogger(), Keep()
    level = root.level
    root.addHandler(keep)
    root.setLevel(logging.DEBUG)
    yield lines
    root.setLevel(level)
    root.removeHandler(keep)


def dump(urls: DatabaseUrls) -> str:
    """Return what ``pg_dump`` writes of the whole database."""
    command = [str(find_programs() / "pg_dump"), "--inserts", "--dbname", libpq(urls.admin)]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout.decode("utf-8")


def files_with(leaks: Leaks, server: DatabaseServer, urls: DatabaseUrls) -> list[str]:
    """Return the files of PostgreSQL in which a number stands: this database's, the WAL, the server's log."""
    with psycopg.connect(libpq(urls.admin), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        (oid,) = connection.execute(
            "SELECT oid::text FROM pg_database WHERE datname = current_database()"
        ).fetchone() or ("",)
    data = data_folder(server.var)
    files = [*(data / "base" / oid).iterdir(), *(data / "pg_wal").glob("0*"), log_file(server.var)]
    assert len(files) > 100
    return [str(path) for path in files if leaks.bytes.search(_content(path))]


def _content(path: Path) -> bytes:
    with suppress(FileNotFoundError):
        return path.read_bytes()
    return b""
