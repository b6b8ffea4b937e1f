"""The intermediate server on the portal's own tables, with staff at its terminal."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from tests.db.adapters.conftest import NOW
from tests.people import resident
from yvaxportal.adapters.chukan.local import LocalChukan
from yvaxportal.adapters.conformance import BrokenContractError, ChukanChecks, Subjects
from yvaxportal.adapters.conformance.pytest_plugin import ContractCheck
from yvaxportal.adapters.errors import NotFound, Refused
from yvaxportal.adapters.messages.chukan import (
    CodeState,
    ExchangeRecord,
    InformationItem,
    InquiryAnswer,
    InquiryState,
    InquiryStatus,
    InquirySubject,
    LinkageCodeState,
    PermittedInquiry,
    ProvisionRequest,
    ProvisionState,
    ServerStatistics,
    SubCopy,
)
from yvaxportal.adapters.messages.common import CallContext, Page
from yvaxportal.models.staff import GroupMembership, StaffAccount, StaffGroup

CALL = CallContext.interactive("tanaka")
AFFAIR, PROCEDURE, NAME = "TM99JIMU00000001", "TM99TETSUZUKI001", "TM99000000000001"
LINE = PermittedInquiry(AFFAIR, PROCEDURE, NAME, "01", NOW.date())
ITEM = InformationItem(NAME, "2026.07", {"TM9901": "髙﨑　𠮷野", "TM9902": ""})


class WithClerk(LocalChukan):
    """Somebody sits at the terminal: a code comes at once, an answer after one look at each state."""

    def request_code(self, atena_number: str, idempotency_key: str, context: CallContext) -> LinkageCodeState:
        told = super().request_code(atena_number, idempotency_key, context)
        (now,) = self.code_states([atena_number], context)
        if now.state == "requested":
            self.enter_code(atena_number, held=True)
        return told

    def inquiry_status(self, inquiry_id: str, context: CallContext) -> InquiryStatus:
        status = super().inquiry_status(inquiry_id, context)
        match status.state:
            case InquiryState.REQUESTED:
                self.enter_progress(inquiry_id, InquiryState.ACCEPTED)
            case InquiryState.ACCEPTED:
                self.enter_progress(inquiry_id, InquiryState.PERMITTED, processing_number=f"T{inquiry_id}")
            case InquiryState.PERMITTED:
                self.enter_answer(inquiry_id, f"T{inquiry_id}", [ITEM])
        return status


@pytest.mark.contract("chukan")
def test_the_contract_is_kept_with_somebody_at_the_terminal(
    contract_check: ContractCheck, built: Callable[..., Any], subjects: Subjects
) -> None:
    contract_check(at_work(built(WithClerk, "chukan"), subjects), subjects)


def at_work(chukan: WithClerk, subjects: Subjects) -> WithClerk:
    """Enter the list, and requests of others."""
    chukan.enter_permitted_inquiries([LINE])
    for place in range(5):
        chukan.enter_provision_request(
            f"r-{place}",
            f"T{place}",
            subjects.test_people[0],
            requester_code="01131016",
            affair_code=AFFAIR,
            information_name_code=NAME,
        )
    return chukan


@pytest.mark.contract("chukan")
def test_the_contract_is_kept_while_nobody_enters_anything(
    contract_check: ContractCheck,
    built: Callable[..., Any],
    subjects: Subjects,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ChukanChecks, "patience", 0.0)
    contract_check(built(LocalChukan, "chukan"), subjects)


class NoList(WithClerk):
    """Lets everything be asked."""

    def _may_inquire(self, session: Session, subject: InquirySubject) -> None: ...


class NoKeys(WithClerk):
    """Does everything as often as it is asked."""

    def once(self, key: str, *asked: Any) -> dict[str, Any]:
        return super().once(f"{key[:20]}{uuid4().hex}", *asked)


class Normalising(WithClerk):
    """Keeps what is not what was sent."""

    def sub_copies(self, atena_number: str, context: CallContext) -> tuple[SubCopy, ...]:
        return tuple(
            replace(copy, item=replace(copy.item, values={code: nfc(value) for code, value in values}))
            for copy in super().sub_copies(atena_number, context)
            if (values := copy.item.values.items())
        )


class Talkative(WithClerk):
    """Names what it does not find."""

    def _inquiry(self, session: Session, inquiry_id: str) -> Any:
        try:
            return super()._inquiry(session, inquiry_id)
        except NotFound:
            raise NotFound(self.system, inquiry_id) from None


class Unrecorded(WithClerk):
    """Answers from sub-copies and terminals, and tells nobody."""

    def exchange_records(self, *asked: Any) -> Page[ExchangeRecord]:
        return replace(super().exchange_records(*asked), items=())


class Forgetful(WithClerk):
    """Takes an older sub-copy for a newer one, and gives nothing up."""

    def _taken(self, session: Session, known: Any, copy: SubCopy) -> str:
        for row in known.values():
            row.version = 0
        return super()._taken(session, known, copy)

    def cancel_inquiry(self, inquiry_id: str, *asked: Any) -> InquiryStatus:
        return replace(super().inquiry_status(inquiry_id, asked[-1]), state=InquiryState.CANCELLED)


class Restless(WithClerk):
    """Says something else each time."""

    def inquiry_status(self, inquiry_id: str, context: CallContext) -> InquiryStatus:
        return replace(super().inquiry_status(inquiry_id, context), processing_number=None)

    def inquiry_answer(self, inquiry_id: str, context: CallContext) -> InquiryAnswer:
        return replace(super().inquiry_answer(inquiry_id, context), processing_number=uuid4().hex)

    def code_states(self, atena_numbers: Sequence[str], context: CallContext) -> tuple[LinkageCodeState, ...]:
        return super().code_states(atena_numbers, context)[::-1]

    def statistics(self, day: date, *_asked: Any) -> ServerStatistics:
        return ServerStatistics(day, 0, 0, 0, 0)


def nfc(value: str) -> str:
    return unicodedata.normalize("NFC", value)


@pytest.mark.parametrize(
    ("defect", "check"),
    [
        (NoList, "an_inquiry_outside_the_list_is_refused"),
        (NoList, "nothing_is_asked_about_somebody_without_a_code"),
        (NoList, "nothing_is_asked_about_nobody"),
        (NoKeys, "the_same_key_begins_one_inquiry"),
        (NoKeys, "the_same_key_gives_the_same_outcome"),
        (NoKeys, "a_request_is_answered_by_hand_once"),
        (Normalising, "a_sub_copy_is_kept_exactly"),
        (Talkative, "an_error_names_nobody"),
        (Unrecorded, "an_answered_inquiry_is_recorded"),
        (Unrecorded, "a_request_is_answered_by_hand_once"),
        (Forgetful, "an_older_version_is_refused"),
        (Forgetful, "a_deleted_sub_copy_stays_deleted"),
        (Forgetful, "an_inquiry_can_be_given_up"),
        (Restless, "an_inquiry_never_goes_back"),
        (Restless, "an_answer_can_be_fetched_again"),
        (Restless, "code_states_come_in_the_order_asked"),
        (Restless, "a_registration_is_counted_and_is_a_batch"),
    ],
)
def test_a_defect_is_found(
    built: Callable[..., Any], subjects: Subjects, defect: type[WithClerk], check: str
) -> None:
    chukan = at_work(built(defect, "chukan"), subjects)
    with pytest.raises(BrokenContractError) as caught:
        ChukanChecks(chukan, subjects).run(check)
    assert not any(number in str(caught.value) for number in subjects.known)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def person(world: Session) -> str:
    found = resident(world).atena_number
    world.commit()
    return found


@pytest.fixture
def chukan(engine: Engine, clock: Clock, person: str) -> LocalChukan:
    """Give a server that knows the list, and a person who has a code."""
    adapter = LocalChukan("chukan", engine, "312029", clock)
    adapter.enter_permitted_inquiries([LINE])
    adapter.request_code(person, "code", CALL)
    adapter.enter_code(person, held=True)
    return adapter


def subject(person: str, **said: Any) -> InquirySubject:
    return replace(InquirySubject(person, AFFAIR, PROCEDURE, NAME, "01131016"), **said)


def copy(person: str, **said: Any) -> SubCopy:
    return replace(SubCopy("copy-1", person, 1, ITEM, NOW.date() - timedelta(days=30)), **said)


def asked(chukan: LocalChukan, person: str, request_id: str, **said: Any) -> ProvisionRequest:
    values = {"requester_code": "01131016", "affair_code": AFFAIR, "information_name_code": NAME}
    return chukan.enter_provision_request(request_id, f"T-{request_id}", person, **values | said)


def records(chukan: LocalChukan) -> tuple[ExchangeRecord, ...]:
    return chukan.exchange_records(date(2000, 1, 1), date.max, None, 1000, CALL).items


def test_a_code_is_entered_by_whoever_saw_it(chukan: LocalChukan, person: str, world: Session) -> None:
    other = resident(world).atena_number
    world.commit()
    with pytest.raises(NotFound):
        chukan.enter_code(other, held=True)
    chukan.request_code(other, "k-1", CALL)
    assert chukan.enter_code(other, held=False).state is CodeState.FAILED
    with pytest.raises(Refused, match="no_code"):
        chukan.inquire(subject(other), "k-2", CALL)
    # After a failure it is asked for anew, and a code that is held stays.
    assert chukan.request_code(other, "k-3", CALL).state is CodeState.REQUESTED
    chukan.enter_code(other, held=True)
    with pytest.raises(Refused, match="held"):
        chukan.enter_code(other, held=False)
    assert chukan.request_code(other, "k-4", CALL).state is CodeState.HELD


def test_the_list_holds_on_its_days(chukan: LocalChukan, person: str, clock: Clock) -> None:
    today = NOW.date()
    lines = [
        replace(LINE, valid_to=today),
        replace(LINE, provider_kind="02", valid_from=today + timedelta(days=1)),
        replace(LINE, valid_from=date(2020, 1, 1), valid_to=date(2020, 1, 31)),
    ]
    chukan.enter_permitted_inquiries(lines)
    assert chukan.permitted_inquiries(CALL) == tuple(lines[:2])
    chukan.inquire(subject(person), "k-1", CALL)
    prefecture = subject(person, provider_code="02310000")
    with pytest.raises(Refused, match="not_permitted"):
        chukan.inquire(prefecture, "k-2", CALL)
    clock.now += timedelta(days=1)
    chukan.inquire(prefecture, "k-3", CALL)
    with pytest.raises(Refused, match="not_permitted"):
        chukan.inquire(subject(person), "k-4", CALL)
    with pytest.raises(Refused, match="E0002"):
        chukan.enter_permitted_inquiries([replace(LINE, affair_code="short")])


def test_an_inquiry_goes_on_as_it_is_entered(chukan: LocalChukan, person: str, clock: Clock) -> None:
    begun = chukan.inquire(subject(person), "k-1", CALL).inquiry_id
    with pytest.raises(Refused, match="E0001"):
        chukan.enter_progress(begun, InquiryState.PERMITTED)
    chukan.enter_progress(begun, InquiryState.PERMITTED, processing_number="T-1")
    with pytest.raises(Refused, match="goes_back"):
        chukan.enter_progress(begun, InquiryState.ACCEPTED)
    with pytest.raises(Refused, match="E0002"):
        chukan.enter_progress(begun, InquiryState.ANSWERED)
    with pytest.raises(Refused, match="E0002"):
        chukan.enter_progress(begun, InquiryState.REFUSED, code="権限なし")
    with pytest.raises(Refused, match="E0002"):
        chukan.enter_answer(begun, "T 1\n", [ITEM])
    with pytest.raises(Refused, match="not_answered"):
        chukan.inquiry_answer(begun, CALL)
    with pytest.raises(Refused, match="E0002"):
        chukan.enter_answer(begun, "T-1", [replace(ITEM, values={"TM9901": "a\x00b"})])
    chukan.enter_answer(begun, "T-1", [ITEM], not_disclosed=True)
    with pytest.raises(Refused, match="answered"):
        chukan.enter_answer(begun, "T-1", [])
    assert chukan.inquiry_answer(begun, CALL).items == (ITEM,)
    (record,) = records(chukan)
    assert (record.requester_code, record.provider_code) == ("01312029", "01131016")
    assert record.not_disclosed
    clock.now += timedelta(days=30)
    assert chukan.inquiry_status(begun, CALL).state is InquiryState.EXPIRED
    with pytest.raises(Refused, match="expired"):
        chukan.inquiry_answer(begun, CALL)


def test_an_inquiry_can_end_without_data(chukan: LocalChukan, person: str) -> None:
    ends = {}
    for state in ("no_data", "refused", "failed"):
        begun = chukan.inquire(subject(person), f"k-{state}", CALL).inquiry_id
        if state == "no_data":
            chukan.enter_answer(begun, "T-1", [])
        else:
            chukan.enter_progress(begun, InquiryState(state), code="permit_refused")
        with pytest.raises(Refused, match=state):
            chukan.inquiry_answer(begun, CALL)
        with pytest.raises(Refused, match="answered"):
            chukan.cancel_inquiry(begun, f"c-{state}", CALL)
        ends[state] = chukan.inquiry_status(begun, CALL).code
    assert ends == {"no_data": "", "refused": "permit_refused", "failed": "permit_refused"}
    # That there was no data is an answer, which the person is shown; a refusal is none.
    assert len(records(chukan)) == 1


def test_a_request_is_answered_from_sub_copies(chukan: LocalChukan, person: str, clock: Clock) -> None:
    assert asked(chukan, person, "r-1").state is ProvisionState.WAITING
    chukan.register_sub_copies([copy(person, not_disclosed=True)], "k-1", CALL)
    told = asked(chukan, person, "r-2")
    assert told.state is ProvisionState.ANSWERED_BY_COPY
    assert asked(chukan, person, "r-2") == told
    with pytest.raises(Refused, match="request_known"):
        asked(chukan, person, "r-2", requester_code="01999999")
    (record,) = records(chukan)
    assert (record.processing_number, record.requester_code, record.provider_code, record.not_disclosed) == (
        "T-r-2",
        "01131016",
        "01312029",
        True,
    )
    with pytest.raises(Refused, match="not_waiting"):
        chukan.answer_provision("r-2", [ITEM], "k-2", CALL)
    other = asked(chukan, person, "r-3", information_name_code="TM99000000000002")
    assert other.state is ProvisionState.WAITING
    with pytest.raises(NotFound):
        asked(chukan, "999", "r-4")


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"withheld": True}, ProvisionState.WITHHELD),
        ({"published_to": NOW.date()}, ProvisionState.ANSWERED_BY_COPY),
        ({"published_to": NOW.date() - timedelta(days=1)}, ProvisionState.WAITING),
        ({"published_from": NOW.date()}, ProvisionState.ANSWERED_BY_COPY),
        ({"published_from": NOW.date() + timedelta(days=1)}, ProvisionState.WAITING),
        ({"deleted": True}, ProvisionState.WAITING),
    ],
)
def test_only_some_sub_copies_answer(
    chukan: LocalChukan, person: str, said: dict[str, Any], state: ProvisionState
) -> None:
    chukan.register_sub_copies([copy(person, **said)], "k-1", CALL)
    assert asked(chukan, person, "r-1").state is state
    if state is not ProvisionState.ANSWERED_BY_COPY:
        assert chukan.answer_provision("r-1", [], "k-2", CALL).state is ProvisionState.ANSWERED


def test_a_request_waits_until_its_day(chukan: LocalChukan, person: str, clock: Clock) -> None:
    asked(chukan, person, "r-1", answer_until=NOW + timedelta(days=2))
    clock.now += timedelta(days=2)
    (request,) = chukan.provision_requests(None, 10, CALL).items
    assert request.state is ProvisionState.EXPIRED
    with pytest.raises(Refused, match="not_waiting"):
        chukan.answer_provision("r-1", [ITEM], "k-1", CALL)


def test_a_deleted_sub_copy_leaves_no_value_behind(chukan: LocalChukan, person: str, engine: Engine) -> None:
    chukan.register_sub_copies([copy(person)], "k-1", CALL)
    chukan.register_sub_copies([copy(person, version=2, deleted=True)], "k-2", CALL)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT t::text FROM chukan_sub_copy t")).scalars().all()
    assert len(rows) == 1
    assert "髙﨑" not in rows[0]


def test_what_is_over_is_deleted_and_nothing_else(
    chukan: LocalChukan, person: str, clock: Clock, engine: Engine
) -> None:
    begun = chukan.inquire(subject(person), "k-1", CALL).inquiry_id
    chukan.enter_answer(begun, "T-1", [ITEM])
    still = chukan.inquire(subject(person), "k-2", CALL).inquiry_id
    asked(chukan, person, "r-1")
    chukan.answer_provision("r-1", [ITEM], "k-3", CALL)
    nothing = chukan.delete_expired("d-1", CALL)
    assert (nothing.inquiries, nothing.provisions, nothing.exchange_records) == (0, 0, 0)
    clock.now += timedelta(days=60)
    gone = chukan.delete_expired("d-2", CALL)
    assert (gone.inquiries, gone.provisions, gone.exchange_records) == (1, 1, 0)
    assert chukan.delete_expired("d-2", CALL) == gone
    with pytest.raises(NotFound):
        chukan.inquiry_status(begun, CALL)
    assert chukan.inquiry_status(still, CALL).state is InquiryState.REQUESTED
    with engine.connect() as connection:
        for table in ("chukan_inquiry", "chukan_provision", "adapter_key", "chukan_batch"):
            assert "髙﨑" not in str(connection.execute(text(f"SELECT t::text FROM {table} t")).all())  # noqa: S608
    # Seven years to the day: on that day a record is there, the day after it is not.
    clock.now = NOW.replace(year=NOW.year + 7)
    assert chukan.delete_expired("d-3", CALL).exchange_records == 0
    clock.now += timedelta(seconds=1)
    assert chukan.delete_expired("d-4", CALL).exchange_records == 2
    assert records(chukan) == ()


def test_a_day_is_a_day_in_japan(chukan: LocalChukan, person: str, clock: Clock) -> None:
    clock.now = datetime(2026, 11, 24, 14, 59, 59, tzinfo=UTC)
    chukan.register_sub_copies([copy(person), copy("999", record_id="copy-2")], "k-1", CALL)
    with pytest.raises(Refused):
        chukan.inquire(subject(person, affair_code="TM99JIMU00000009"), "k-2", CALL)
    asked(chukan, person, "r-1")
    clock.now += timedelta(seconds=1)
    day, next_day = date(2026, 11, 24), date(2026, 11, 25)
    assert chukan.statistics(day, CALL) == ServerStatistics(
        day, inquiries=0, provisions=1, sub_copies=1, refused=2
    )
    assert chukan.statistics(next_day, CALL) == ServerStatistics(next_day, 0, 0, 0, 0)
    (batch,) = chukan.batches(day, CALL)
    assert (batch.name, batch.state, batch.rows, batch.failed_rows) == ("副本登録", "ended", 2, 1)
    assert chukan.batches(next_day, CALL) == ()
    assert len(chukan.exchange_records(day, day, None, 10, CALL).items) == 1
    assert chukan.exchange_records(next_day, date.max, None, 10, CALL).items == ()
    assert chukan.exchange_records(date.min, day, None, 10, CALL).items != ()


def test_whoever_has_an_account_may_work(chukan: LocalChukan, world: Session) -> None:
    groups = {"tanaka": None, "admin": "administrator", "late": "administrator"}
    world.add(StaffGroup(name="administrator", label_ja="管理", label_en="x", built_in=True))
    for login, group in groups.items():
        account = StaffAccount(
            login=login,
            display_name=login,
            password_hash="",
            password_changed_at=NOW,
            must_change_password=False,
            valid_from=date(2026, 4, 1),
            valid_to=date(2026, 11, 22) if login == "late" else date(2027, 3, 31),
            is_demo=False,
            created_at=NOW,
        )
        world.add(account)
        world.flush()
        if group is not None:
            world.add(GroupMembership(staff_id=account.id, group_name=group, valid_from=date(2026, 4, 1)))
    world.commit()
    rights = chukan.operator_rights("tanaka", CALL)
    assert rights.functions == {"inquiry", "provision", "sub_copy", "exchange_record"}
    assert rights.valid_to == date(2027, 3, 31)
    assert "management" in chukan.operator_rights("admin", CALL).functions
    with pytest.raises(NotFound):
        chukan.operator_rights("late", CALL)


def test_ten_thousand_sub_copies_fit_into_a_call(chukan: LocalChukan, person: str) -> None:
    copies = [copy(person, record_id=f"c-{place}") for place in range(10_000)]
    outcomes = chukan.register_sub_copies(copies, "k-1", CallContext.batch())
    assert {one.code for one in outcomes} == {""}
    assert len(chukan.sub_copies(person, CALL)) == 10_000
