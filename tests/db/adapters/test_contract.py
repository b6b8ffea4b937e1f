"""Every check of every contract against the local implementations, and against some that break it."""

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from tests.people import TODAY
from yvaxportal.adapters.atena.local import LocalAtena
from yvaxportal.adapters.conformance import CONTRACTS, Grade, Subjects
from yvaxportal.adapters.conformance.pytest_plugin import ContractCheck
from yvaxportal.adapters.conformance.subjects import NoSubjectsError, choose_subjects
from yvaxportal.adapters.errors import NotFound, Unavailable
from yvaxportal.adapters.messages.tax import TaxationState
from yvaxportal.adapters.messages.welfare import WelfareKind, WelfarePeriod, WelfareState
from yvaxportal.adapters.resident_register.local import LocalResidentRegister
from yvaxportal.adapters.tax.local import LocalTaxRegister
from yvaxportal.adapters.vrs.local import LocalVrs
from yvaxportal.adapters.welfare.local import LocalWelfareRegister
from yvaxportal.values.personal_number import PersonalNumber

LOCAL = {
    "resident_register": LocalResidentRegister,
    "tax": LocalTaxRegister,
    "vrs": LocalVrs,
    "welfare": LocalWelfareRegister,
}
Build = Callable[..., Any]


@pytest.mark.contract("resident_register")
def test_resident_register(contract_check: ContractCheck, built: Build, subjects: Subjects) -> None:
    contract_check(built(LocalResidentRegister, "resident_register"), subjects)


@pytest.mark.contract("tax")
def test_tax(contract_check: ContractCheck, built: Build, subjects: Subjects) -> None:
    contract_check(built(LocalTaxRegister, "tax"), subjects)


@pytest.mark.contract("atena")
def test_atena(contract_check: ContractCheck, built: Build, subjects: Subjects) -> None:
    contract_check(built(LocalAtena, "atena"), subjects)


@pytest.mark.contract("vrs")
def test_vrs(contract_check: ContractCheck, built: Build, subjects: Subjects) -> None:
    contract_check(built(LocalVrs, "vrs"), subjects)


@pytest.mark.contract("welfare")
def test_welfare(contract_check: ContractCheck, built: Build, subjects: Subjects) -> None:
    contract_check(built(LocalWelfareRegister, "welfare"), subjects)


@pytest.mark.parametrize("system", CONTRACTS)
def test_a_contract_is_worth_its_name(system: str) -> None:
    checks = CONTRACTS[system]
    assert len(checks.names()) >= 15
    assert all((getattr(checks, name).__doc__ or "").strip().endswith(".") for name in checks.names())


def test_an_empty_portal_has_nobody_to_ask_about(engine: Engine) -> None:
    with pytest.raises(NoSubjectsError):
        choose_subjects(engine, "312029", TODAY)


def test_people_with_rare_characters_are_asked_about_first(subjects: Subjects) -> None:
    assert len(subjects.known) == 4
    assert subjects.household[0] == "H1"
    assert len(subjects.household[1]) == 3
    assert subjects.household[1] > set(subjects.known[:2])


def changed(method: str, change: Callable[[Any, Any], Any]) -> Callable[[Any, Subjects], Any]:
    """Give an implementation that answers ``method`` with ``change(subjects, answer)``."""

    def wrap(adapter: Any, subjects: Subjects) -> Any:
        original = getattr(adapter, method)
        setattr(adapter, method, lambda *asked: change(subjects, original(*asked)))
        return adapter

    return wrap


def replaced(method: str, **values: Any) -> Callable[[Any, Subjects], Any]:
    return changed(method, lambda _subjects, answer: dataclasses.replace(answer, **values))


def failing(method: str, error: Exception) -> Callable[[Any, Subjects], Any]:
    def fail(*_asked: Any) -> Any:
        raise error

    def wrap(adapter: Any, _subjects: Subjects) -> Any:
        setattr(adapter, method, fail)
        return adapter

    return wrap


def forgiving(method: str, otherwise: str) -> Callable[[Any, Subjects], Any]:
    """Answer with ``otherwise`` of the known subject instead of NotFound."""

    def wrap(adapter: Any, subjects: Subjects) -> Any:
        original = getattr(adapter, method)

        def answer(number: str, *asked: Any) -> Any:
            try:
                return original(number, *asked)
            except NotFound:
                return original(getattr(subjects, otherwise)[0], *asked)

        setattr(adapter, method, answer)
        return adapter

    return wrap


def twice(_subjects: Subjects, answers: Iterator[Any]) -> Iterator[Any]:
    for answer in answers:
        yield answer
        yield answer


def one_page(_subjects: Subjects, answers: Iterator[Any]) -> Iterator[Any]:
    yield from itertools.islice(answers, 1)


def without_first(_subjects: Subjects, people: tuple[Any, ...]) -> tuple[Any, ...]:
    return people[1:]


def doubled(_subjects: Subjects, page: Any) -> Any:
    return dataclasses.replace(page, items=page.items * 2)


def ignoring(method: str) -> Callable[[Any, Subjects], Any]:
    """Give an implementation that does nothing and says that all is well."""

    def wrap(adapter: Any, _subjects: Subjects) -> Any:
        setattr(adapter, method, lambda *_asked: None)
        return adapter

    return wrap


def keyless(method: str) -> Callable[[Any, Subjects], Any]:
    """Give an implementation that takes every key for a new one."""

    def wrap(adapter: Any, _subjects: Subjects) -> Any:
        original = getattr(adapter, method)
        setattr(adapter, method, lambda value, _key, context: original(value, f"new-{uuid4().hex}", context))
        return adapter

    return wrap


def knowing_everybody(method: str) -> Callable[[Any, Subjects], Any]:
    """Give an implementation that has an answer about everybody: nothing that is its is ours to touch."""

    def wrap(adapter: Any, _subjects: Subjects) -> Any:
        setattr(adapter, method, lambda *_asked: ())
        return adapter

    return wrap


def slow(method: str) -> Callable[[Any, Subjects], Any]:
    def wrap(adapter: Any, _subjects: Subjects) -> Any:
        original = getattr(adapter, method)

        def answer(*asked: Any) -> Any:
            time.sleep(1.1 if asked[-1].time_limit < timedelta(seconds=1) else 0)
            return original(*asked)

        setattr(adapter, method, answer)
        return adapter

    return wrap


LATER = datetime.now(UTC) + timedelta(days=1)
HELD = WelfarePeriod(WelfareKind.PUBLIC_ASSISTANCE, WelfareState.HELD, TODAY, TODAY - timedelta(days=1))
GRADE = WelfarePeriod(WelfareKind.PHYSICAL_DISABILITY_CERTIFICATE, WelfareState.HELD, TODAY, None, "1\ufffd")
BROKEN = [
    ("tax", replaced("taxation", atena_number="1"), "a_known_person_is_answered"),
    ("tax", replaced("taxation", as_of=LATER), "the_answer_says_as_of_when"),
    ("tax", replaced("taxation", as_of=datetime(2026, 1, 1)), "the_answer_says_as_of_when"),  # noqa: DTZ001
    ("tax", replaced("taxation", fiscal_year=1), "the_answer_is_of_the_year_that_was_asked"),
    ("tax", replaced("taxation", state=TaxationState.EXEMPT), "a_year_long_ago_is_unknown"),
    ("tax", replaced("household_taxation", members={}), "a_household_has_its_members"),
    (
        "tax",
        replaced("household_taxation", state=TaxationState.UNKNOWN),
        "a_household_is_exempt_only_as_a_whole",
    ),
    ("tax", forgiving("taxation", "known"), "an_unknown_person_is_not_found"),
    ("tax", forgiving("taxation", "known"), "nothing_is_no_number"),
    ("tax", forgiving("household_taxation", "household"), "an_unknown_household_is_not_found"),
    ("tax", failing("taxation", Unavailable("tax", "no answer")), "a_known_person_is_answered"),
    ("tax", failing("taxation", ValueError("x")), "a_known_person_is_answered"),
    ("tax", changed("taxations", twice), "many_are_answered_once_each"),
    ("tax", changed("taxations", one_page), "more_than_a_page_is_answered"),
    ("tax", slow("taxation"), "a_call_ends_within_its_time_limit"),
    ("welfare", replaced("history", periods=(HELD,)), "periods_end_after_they_begin"),
    ("welfare", replaced("history", periods=(HELD,)), "many_agree_with_one"),
    ("welfare", forgiving("history", "known"), "an_unknown_person_is_not_found"),
    ("welfare", changed("histories", twice), "many_are_answered_once_each"),
    ("welfare", changed("histories", one_page), "more_than_a_page_is_answered"),
    ("welfare", replaced("history", periods=(GRADE,)), "details_come_unbroken"),
    ("welfare", slow("history"), "a_call_ends_within_its_time_limit"),
    (
        "resident_register",
        replaced("resident", personal_number=PersonalNumber("900000000012")),
        "a_person_comes_without_the_personal_number",
    ),
    ("resident_register", replaced("resident", municipality_code="1"), "a_person_is_of_this_municipality"),
    ("resident_register", replaced("resident", date_of_birth_written="R1"), "a_birth_date_can_be_read"),
    ("resident_register", replaced("resident", name="〓野　花子"), "a_name_comes_unbroken"),
    ("resident_register", replaced("resident", name="吉野　花子"), "a_name_is_the_same_in_every_answer"),
    ("resident_register", slow("resident"), "a_call_ends_within_its_time_limit"),
    (
        "resident_register",
        changed("household", lambda _s, people: people[1:]),
        "a_household_holds_its_members",
    ),
    ("resident_register", replaced("snapshot", expected=1), "a_snapshot_holds_as_many_as_it_says"),
    ("resident_register", replaced("snapshot", change_cursor="x"), "a_snapshot_leads_on_to_the_changes"),
    ("resident_register", replaced("changes", next_cursor="x"), "changes_have_a_cursor_to_go_on_from"),
    ("vrs", replaced("register_record", given_at="高崎会場"), "a_dose_is_recorded_exactly"),
    ("vrs", changed("records", lambda _s, records: records[::-1]), "doses_come_in_order"),
    ("vrs", changed("records", without_first), "many_register_the_same_dose_at_once"),
    ("vrs", changed("records", without_first), "a_call_that_ran_out_of_time_is_repeated"),
    ("vrs", replaced("list_records", next_cursor=None), "a_list_gives_each_record_once_in_order"),
    ("vrs", changed("list_records", doubled), "a_list_gives_each_record_once_in_order"),
    ("vrs", changed("download", twice), "the_download_is_complete"),
    ("vrs", changed("download", twice), "the_download_begins_as_the_list_does"),
    ("vrs", changed("register_targets", lambda _s, _rows: ()), "rows_are_answered_one_by_one"),
    ("vrs", ignoring("delete_record"), "a_deleted_record_is_gone"),
    ("vrs", ignoring("delete_record"), "what_never_was_is_not_deleted"),
    ("vrs", ignoring("set_flag"), "a_flag_needs_a_ticket"),
    ("vrs", ignoring("set_flag"), "a_flag_has_a_key_too"),
    ("vrs", keyless("register_record"), "a_key_is_used_for_one_thing"),
    ("vrs", keyless("register_record"), "the_same_key_gives_the_same_answer"),
    ("vrs", keyless("issue_certificate"), "a_certificate_is_issued_once_for_a_key"),
    ("vrs", keyless("register_targets"), "targets_have_keys_too"),
    (
        "vrs",
        changed("records_for_certificate", lambda _s, records: records[1:]),
        "a_certificate_has_doses_up_to_the_last_day",
    ),
    ("vrs", replaced("issue_certificate", codes=("ZZ0000000",)), "a_journey_needs_a_passport"),
    ("vrs", slow("records"), "a_call_ends_within_its_time_limit"),
    ("vrs", knowing_everybody("records"), "an_unknown_ticket_is_not_found"),
    ("vrs", knowing_everybody("records"), "a_ticket_is_registered_without_doses"),
]


@pytest.mark.parametrize(("system", "defect", "check"), BROKEN)
def test_a_defect_is_found(
    built: Build, subjects: Subjects, monkeypatch: pytest.MonkeyPatch, system: str, defect: Any, check: str
) -> None:
    contract = CONTRACTS[system](defect(built(LOCAL[system], system), subjects), subjects)
    assert check in contract.names()
    monkeypatch.setattr(contract, "names", lambda: [check])
    (found,) = contract.results()
    assert found.grade is Grade.FAILED
    assert found.came
    assert not any(number in found.came for number in subjects.known)
