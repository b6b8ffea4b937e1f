"""Tax and welfare registers on the portal's own tables."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.people import resident
from yvaxportal.adapters.errors import NotFound
from yvaxportal.adapters.interfaces import ITaxRegister, IWelfareRegister
from yvaxportal.adapters.messages.common import CallContext, HealthState
from yvaxportal.adapters.messages.tax import TaxationState
from yvaxportal.adapters.messages.welfare import WelfareKind, WelfareState
from yvaxportal.adapters.tax.local import LocalTaxRegister
from yvaxportal.adapters.welfare.local import LocalWelfareRegister
from yvaxportal.models.codes import EligibilityKind, EligibilityState, ResidentCategory
from yvaxportal.models.resident import Eligibility, Resident
from yvaxportal.settings import SettingsError

CALL = CallContext.batch()
NHI = WelfareKind.NATIONAL_HEALTH_INSURANCE


@pytest.fixture
def tax(built: Callable[..., Any]) -> ITaxRegister:
    adapter: ITaxRegister = built(LocalTaxRegister, "tax")
    return adapter


@pytest.fixture
def welfare(built: Callable[..., Any]) -> IWelfareRegister:
    adapter: IWelfareRegister = built(LocalWelfareRegister, "welfare")
    return adapter


def say(
    world: Session,
    person: Resident,
    kind: str,
    state: str,
    first: str,
    last: str | None = None,
    as_of: datetime = datetime(2026, 11, 22, tzinfo=UTC),
) -> None:
    world.add(
        Eligibility(
            resident_id=person.id,
            kind=EligibilityKind(kind),
            state=EligibilityState(state),
            valid_from=date.fromisoformat(first),
            valid_to=date.fromisoformat(last) if last else None,
            as_of=as_of,
            source="staff",
        )
    )
    world.flush()


def taxed(world: Session, person: Resident, state: str, first: str, last: str | None = None) -> None:
    say(world, person, "tax_exempt", state, first, last)


def test_a_person_is_what_the_year_says(tax: ITaxRegister, world: Session) -> None:
    person = resident(world)
    taxed(world, person, "exempt", "2025-04-01", "2026-03-31")
    taxed(world, person, "taxed", "2026-04-01", "2027-03-31")
    world.commit()
    answers = [tax.taxation(person.atena_number, year, CALL).state for year in (2024, 2025, 2026)]
    assert answers == [TaxationState.UNKNOWN, TaxationState.EXEMPT, TaxationState.TAXED]
    assert tax.taxation(person.atena_number, 2026, CALL).as_of == datetime(2026, 11, 22, tzinfo=UTC)


def test_what_was_corrected_later_counts(tax: ITaxRegister, world: Session) -> None:
    person = resident(world)
    taxed(world, person, "taxed", "2026-04-01", "2027-03-31")
    taxed(world, person, "exempt", "2026-09-01", "2027-03-31")
    world.commit()
    assert tax.taxation(person.atena_number, 2026, CALL).state is TaxationState.EXEMPT


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        (["exempt", "exempt"], TaxationState.EXEMPT),
        (["exempt", "taxed"], TaxationState.TAXED),
        (["exempt", "not_filed"], TaxationState.NOT_FILED),
        (["not_filed", None], TaxationState.NOT_FILED),
        (["exempt", None], TaxationState.UNKNOWN),
        (["taxed", None], TaxationState.TAXED),
    ],
)
def test_a_household_is_exempt_only_as_a_whole(
    tax: ITaxRegister, world: Session, states: list[str | None], whole: TaxationState
) -> None:
    members = [resident(world, household_number="H1") for _ in states]
    for member, state in zip(members, states, strict=True):
        if state:
            taxed(world, member, state, "2026-04-01", "2027-03-31")
    gone = resident(world, household_number="H1", resident_category=ResidentCategory.MOVED_OUT)
    taxed(world, gone, "taxed", "2026-04-01")
    world.commit()
    answer = tax.household_taxation("H1", 2026, CALL)
    assert answer.state is whole
    assert set(answer.members) == {member.atena_number for member in members}


def test_many_at_once_leave_out_who_is_not_known(tax: ITaxRegister, world: Session) -> None:
    people = [resident(world) for _ in range(3)]
    taxed(world, people[0], "exempt", "2026-04-01")
    world.commit()
    asked = [*(person.atena_number for person in people), "999999999999999"]
    answers = {answer.atena_number: answer.state for answer in tax.taxations(asked, 2026, CALL)}
    assert answers == {
        people[0].atena_number: TaxationState.EXEMPT,
        people[1].atena_number: TaxationState.UNKNOWN,
        people[2].atena_number: TaxationState.UNKNOWN,
    }


def test_nobody_and_no_household(tax: ITaxRegister, welfare: IWelfareRegister) -> None:
    with pytest.raises(NotFound):
        tax.taxation("123", 2026, CALL)
    with pytest.raises(NotFound):
        tax.household_taxation("123", 2026, CALL)
    with pytest.raises(NotFound):
        welfare.history("123", CALL)
    assert list(welfare.histories([], CALL)) == []


def test_a_history_is_in_order_and_does_not_overlap(welfare: IWelfareRegister, world: Session) -> None:
    person = resident(world)
    say(world, person, "national_health_insurance", "not_held", "2025-04-01")
    say(world, person, "national_health_insurance", "held", "2020-04-01")
    say(world, person, "public_assistance", "held", "2021-01-01", "2021-12-31")
    taxed(world, person, "taxed", "2026-04-01")
    world.commit()
    history = welfare.history(person.atena_number, CALL)
    assert [(one.kind.value, str(one.valid_from), str(one.valid_to)) for one in history.periods] == [
        ("national_health_insurance", "2020-04-01", "2025-03-31"),
        ("public_assistance", "2021-01-01", "2021-12-31"),
        ("national_health_insurance", "2025-04-01", "None"),
    ]
    assert history.on(NHI, date(2025, 3, 31)) is WelfareState.HELD
    assert history.on(NHI, date(2025, 4, 1)) is WelfareState.NOT_HELD
    assert history.as_of == datetime(2026, 11, 22, tzinfo=UTC)


def test_somebody_of_whom_nothing_is_known(welfare: IWelfareRegister, world: Session) -> None:
    person = resident(world)
    world.commit()
    history = welfare.history(person.atena_number, CALL)
    assert history.periods == ()
    assert history.on(NHI, date(2026, 1, 1)) is WelfareState.UNKNOWN


def test_there_are_no_options(built: Callable[..., Any], tax: ITaxRegister) -> None:
    with pytest.raises(SettingsError, match=r"^yvaxportal\.adapters\.tax\.colour: no such option"):
        built(LocalTaxRegister, "tax", colour="red")
    assert tax.health().state is HealthState.UP
    tax.close()
