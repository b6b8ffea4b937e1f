"""Ten known numbers go through every door of the portal and may be found nowhere but in the one reveal."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.application import LOGINS, PASSWORD, SignIn
from tests.crawl import Leaks, Witness, all_logs, dump, files_with
from tests.database import DatabaseServer
from tests.people import resident
from yvaxportal.embedded.places import DatabaseUrls
from yvaxportal.embedded.roles import libpq
from yvaxportal.values.checkdigits import personal_number_check_digit

BASES = [f"9000{4_713_905 + 61_813 * n:07}" for n in range(10)]
NUMBERS = [base + personal_number_check_digit(base) for base in BASES]
LEAKS = Leaks(NUMBERS)
LEAK = LEAKS.text


@pytest.fixture
def people(world: Session) -> dict[str, tuple[int, str]]:
    """Give ten people, by the number each will have: id and atena number."""
    found = {number: resident(world) for number in NUMBERS}
    world.commit()
    return {number: (person.id, person.atena_number) for number, person in found.items()}


@pytest.fixture
def logs() -> Iterator[list[str]]:
    with all_logs() as lines:
        yield lines


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
        assert LEAKS.lines(witness.seen) == [], name
    assert LEAKS.lines(logs) == []
    assert len(logs) > 100
    dumped = dump(database_urls)
    assert dumped.count("INSERT INTO public.vault_entry ") == len(NUMBERS)
    assert LEAKS.lines(dumped.splitlines()) == []
    audited = world.scalars(text("SELECT to_jsonb(e)::text FROM audit_event AS e")).all()
    assert len(audited) > 100
    assert not any(LEAK.search(event) for event in audited)
    jobs = world.scalars(text("SELECT to_jsonb(j)::text FROM procrastinate_jobs AS j")).all()
    assert not any(LEAK.search(job) for job in jobs)
    assert files_with(LEAKS, postgres, database_urls) == []
