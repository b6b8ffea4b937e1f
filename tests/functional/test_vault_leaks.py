"""Ten known numbers go through every door of the portal and may be found nowhere but in the one reveal."""

import logging
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from webtest import TestApp

from tests.application import LOGINS, PASSWORD, SignIn
from tests.database import DatabaseServer
from tests.people import resident
from yvaxportal.embedded.places import DatabaseUrls, data_folder, log_file
from yvaxportal.embedded.roles import libpq
from yvaxportal.embedded.server import find_programs
from yvaxportal.values.checkdigits import personal_number_check_digit

BASES = [f"9000{4_713_905 + 61_813 * n:07}" for n in range(10)]
NUMBERS = [base + personal_number_check_digit(base) for base in BASES]
# Digits, card writing, full width, and the digits as a dump of bytes shows them.
LEAK = re.compile(
    "|".join(
        form
        for number in NUMBERS
        for form in (
            r"[\s\-‐－ー　]?".join((number[:4], number[4:8], number[8:])),
            "".join(chr(ord(digit) + 0xFEE0) for digit in number),
            number.encode("ascii").hex(),
        )
    )
)
LEAK_BYTES = re.compile(
    b"|".join(
        number[:4].encode() + b"[ -]?" + number[4:8].encode() + b"[ -]?" + number[8:].encode()
        for number in NUMBERS
    )
)
MOST_PAGES = 400


class Witness:
    """A visitor who keeps whatever was answered, headers and all."""

    def __init__(self, visitor: TestApp) -> None:
        self.visitor = visitor
        self.seen: list[str] = []

    def keep(self, answer: Any) -> Any:
        self.seen.append(f"{answer.status}\n{answer.headers}\n{answer.text}")
        return answer

    def get(self, url: str) -> Any:
        return self.keep(self.visitor.get(url, expect_errors=True))

    def submit(self, form: Any, button: str, **answers: str) -> Any:
        for name, value in answers.items():
            form[name if name in form.fields else f"{form.id}-{name}"].force_value(value)
        return self.keep(form.submit(button, expect_errors=True))

    def crawl(self, starts: list[str]) -> int:
        """Follow every link inside the portal; return how many pages were there."""
        waiting, known = list(starts), set(starts)
        opened = 0
        while waiting and opened < MOST_PAGES:
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


@pytest.fixture
def people(world: Session) -> dict[str, tuple[int, str]]:
    """Give ten people, by the number each will have: id and atena number."""
    found = {number: resident(world) for number in NUMBERS}
    world.commit()
    return {number: (person.id, person.atena_number) for number, person in found.items()}


@pytest.fixture
def logs() -> Iterator[list[str]]:
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


def node(atena: str, view: str = "") -> str:
    return f"/residents/{atena}/personal-number/{view}"


def enter_all(number_staff: Witness, people: dict[str, tuple[int, str]]) -> None:
    for number, (_id, atena) in people.items():
        form = number_staff.get(node(atena, "enter")).forms["enter-number"]
        stored = number_staff.submit(form, "store", number=number, source="my_number_card")
        assert stored.status_int == 303


def use_all(number_staff: Witness, people: dict[str, tuple[int, str]]) -> None:
    """Look up, be refused, mistype, and read: only the last answer of each may show a number."""
    atenas = [atena for _id, atena in people.values()]
    for position, (number, (_id, atena)) in enumerate(people.items()):
        look_up = number_staff.get("/vault/").forms["look-up"]
        case = {"purpose": "issue_certificate", "case_reference": f"R8-{position}"}
        assert number_staff.submit(look_up, "look_up", number=number, **case).status_int == 303
        assert number_staff.submit(look_up, "look_up", number=number, **(case | {"case_reference": ""}))
        assert number_staff.submit(look_up, "look_up", number=f"{number}1", **case).status_int == 422
        assert number_staff.submit(look_up, "look_up", number=f"{number} " * 4, **case).status_int == 422
        somebody_else = number_staff.get(node(atenas[position - 1], "enter")).forms["enter-number"]
        taken = number_staff.submit(somebody_else, "store", number=number, source="my_number_card")
        assert taken.status_int == 422

        reading = number_staff.get(node(atena)).forms["personal-number"]
        number_staff.submit(reading, "show", purpose="issue_certificate", case_reference=number)
        for name, value in case.items():
            reading[name if name in reading.fields else f"personal-number-{name}"] = value
        revealed = reading.submit("show", status=200)
        assert LEAK.findall(revealed.text) == [f"{number[:4]} {number[4:8]} {number[8:]}"]
        assert LEAK.search(str(revealed.headers)) is None


def type_where_it_does_not_belong(registrar: Witness, people: dict[str, tuple[int, str]]) -> None:
    for number, (_id, atena) in people.items():
        search = registrar.get("/residents/").forms["find-resident"]
        registrar.submit(search, "find", q=number)
        registrar.submit(search, "find", q=f"見本 {number[:4]}-{number[4:8]}-{number[8:]}")
        contact = registrar.get(f"/residents/{atena}/contact/edit").forms["details"]
        refused = registrar.submit(contact, "save", current_address=f"錦町 {number}", reason=number)
        assert refused.status_int == 422
        assert registrar.get(f"/residents/{number}/").status_int == 404
        assert registrar.get(f"/residents/{number}/personal-number/").status_int == 404


def fail_to_sign_in(visitor: Witness) -> None:
    for number in NUMBERS:
        form = visitor.get("/sign-in").forms["sign-in"]
        visitor.submit(form, "sign_in", login=number, password=PASSWORD)


def break_an_entry(owner: str, resident_id: int) -> None:
    with psycopg.connect(libpq(owner)) as connection:
        connection.execute("SELECT set_config('yvax.vault_work', 'rotate', true)")
        connection.execute(
            "UPDATE vault_entry SET ciphertext = sha256(ciphertext) WHERE resident_id = %s", (resident_id,)
        )


def read_broken(number_staff: Witness, atena: str) -> None:
    form = number_staff.get(node(atena)).forms["personal-number"]
    failed = number_staff.submit(form, "show", purpose="issue_certificate", case_reference="R8-x")
    assert failed.status_int == 500


def dump(urls: DatabaseUrls) -> str:
    command = [str(find_programs() / "pg_dump"), "--inserts", "--dbname", libpq(urls.admin)]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout.decode("utf-8")


def files_with_a_number(server: DatabaseServer, urls: DatabaseUrls) -> list[str]:
    """Return the files of PostgreSQL in which a number stands: this database's, the WAL, the server's log."""
    with psycopg.connect(libpq(urls.admin), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        (oid,) = connection.execute(
            "SELECT oid::text FROM pg_database WHERE datname = current_database()"
        ).fetchone() or ("",)
    data = data_folder(server.var)
    files = [*(data / "base" / oid).iterdir(), *(data / "pg_wal").glob("0*"), log_file(server.var)]
    assert len(files) > 100
    return [str(path) for path in files if LEAK_BYTES.search(_content(path))]


def _content(path: Path) -> bytes:
    with suppress(FileNotFoundError):
        return path.read_bytes()
    return b""


def test_a_number_is_found_nowhere_but_in_its_reveal(
    *,
    people: dict[str, tuple[int, str]],
    sign_in: SignIn,
    browser: Any,
    world: Session,
    postgres: DatabaseServer,
    database_urls: DatabaseUrls,
    logs: list[str],
) -> None:
    staff = {login: Witness(sign_in(login, second_factor=True)) for login in LOGINS}
    visitor = Witness(browser())
    enter_all(staff["number"], people)
    use_all(staff["number"], people)
    type_where_it_does_not_belong(staff["registrar"], people)
    fail_to_sign_in(visitor)
    broken_id, broken_atena = people[NUMBERS[0]]
    break_an_entry(database_urls.owner, broken_id)
    read_broken(staff["number"], broken_atena)
    starts = ["/", "/vault/", *(f"/residents/{atena}/" for _id, atena in people.values())]
    pages = {login: witness.crawl(starts) for login, witness in staff.items()}
    assert pages["number"] > 80
    assert pages["auditor"] > 0

    # The searching itself works: it finds what the people's own pages say of them.
    assert LEAK.search(f"x{NUMBERS[3]}y")
    assert any(broken_atena in seen for seen in staff["viewer"].seen)

    for name, witness in [*staff.items(), ("visitor", visitor)]:
        found = [LEAK.sub("<NUMBER>", seen)[:300] for seen in witness.seen if LEAK.search(seen)]
        assert found == [], name
    assert [LEAK.sub("<NUMBER>", line)[:300] for line in logs if LEAK.search(line)] == []
    assert len(logs) > 100
    dumped = dump(database_urls)
    assert dumped.count("INSERT INTO public.vault_entry ") == len(NUMBERS)
    assert [LEAK.sub("<NUMBER>", line)[:300] for line in dumped.splitlines() if LEAK.search(line)] == []
    audited = world.scalars(text("SELECT to_jsonb(e)::text FROM audit_event AS e")).all()
    assert len(audited) > 100
    assert not any(LEAK.search(event) for event in audited)
    jobs = world.scalars(text("SELECT to_jsonb(j)::text FROM procrastinate_jobs AS j")).all()
    assert not any(LEAK.search(job) for job in jobs)
    assert files_with_a_number(postgres, database_urls) == []
