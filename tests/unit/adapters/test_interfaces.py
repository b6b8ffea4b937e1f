"""The swap points keep the promises that hold for every method."""

import dataclasses
import inspect
import pkgutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from zope.interface.interface import Method

from yvaxportal.adapters import errors, messages
from yvaxportal.adapters.interfaces import SYSTEMS
from yvaxportal.adapters.messages.chukan import InformationItem
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.welfare import WelfareHistory, WelfareKind, WelfarePeriod, WelfareState
from yvaxportal.settings.table import ADAPTER_SYSTEMS
from yvaxportal.values.personal_number import PersonalNumber

CALLS = [
    pytest.param(description, id=f"{system}.{name}")
    for system, interface in SYSTEMS.items()
    for name, description in interface.namesAndDescriptions(all=True)
    if name not in {"health", "close"}
]


def test_the_systems_are_those_of_the_ini_file() -> None:
    assert tuple(SYSTEMS) == ADAPTER_SYSTEMS


@pytest.mark.parametrize("call", CALLS)
def test_every_call_says_who_calls_and_what_comes_of_it(call: Method) -> None:
    assert call.positional[-1] == "context"
    text = (call.__doc__ or "").strip()
    assert text.endswith(".")
    assert len(text.split()) > 8


@pytest.mark.parametrize("call", CALLS)
def test_a_key_stands_before_the_context(call: Method) -> None:
    if "idempotency_key" in call.positional:
        assert call.positional[-2] == "idempotency_key"


def message_types() -> Iterator[type]:
    for module in pkgutil.iter_modules(messages.__path__, f"{messages.__name__}."):
        for _, found in inspect.getmembers(import_module(module.name), inspect.isclass):
            if found.__module__ == module.name and dataclasses.is_dataclass(found):
                yield found


@pytest.mark.parametrize("message", [pytest.param(one, id=one.__name__) for one in message_types()])
def test_messages_are_values(message: Any) -> None:
    assert message.__dataclass_params__.frozen
    assert hasattr(message, "__slots__")
    assert message.__doc__


def test_errors_are_one_tree_and_say_where_but_not_what() -> None:
    found = [
        one
        for _, one in inspect.getmembers(errors, inspect.isclass)
        if issubclass(one, Exception) and one.__module__ == errors.__name__
    ]
    assert len(found) > 7
    assert all(issubclass(one, errors.AdapterError) for one in found)
    bad = errors.BadAnswer("vrs", errors.BadAnswerReason.WRONG_PERSON, "/result/0")
    assert str(bad) == "vrs: the answer is wrong_person at /result/0"
    assert str(errors.Refused("atena", "contradiction")) == "atena: refused (contradiction)"
    slow = errors.TimedOut("tax", "2 s are over", retry_after=timedelta(seconds=5))
    assert isinstance(slow, errors.Unavailable)
    assert slow.retry_after == timedelta(seconds=5)


def test_what_travels_prints_nothing_personal() -> None:
    item = InformationItem("TM99000000000001", "2026.07", {"name": "見本　花子"})
    assert "花子" not in repr(item)
    assert "900" not in f"{PersonalNumber('900000000012')!r}"


def test_a_call_knows_its_limit_and_has_a_name_of_its_own() -> None:
    page, job = CallContext.interactive("tanaka"), CallContext.batch()
    assert (page.time_limit, page.operator_id) == (timedelta(seconds=2), "tanaka")
    assert (job.time_limit, job.operator_id) == (timedelta(seconds=30), "system")
    assert page.request_id != job.request_id


def test_a_history_answers_for_a_day() -> None:
    kind = WelfareKind.NATIONAL_HEALTH_INSURANCE
    history = WelfareHistory(
        "100",
        (
            WelfarePeriod(kind, WelfareState.HELD, date(2024, 4, 1), date(2025, 3, 31)),
            WelfarePeriod(kind, WelfareState.NOT_HELD, date(2025, 4, 1)),
        ),
        datetime(2026, 11, 23, tzinfo=UTC),
    )
    answers = [history.on(kind, day) for day in (date(2024, 3, 31), date(2025, 3, 31), date(2025, 4, 1))]
    assert answers == [WelfareState.UNKNOWN, WelfareState.HELD, WelfareState.NOT_HELD]
    assert history.on(WelfareKind.PUBLIC_ASSISTANCE, date(2025, 4, 1)) is WelfareState.UNKNOWN
