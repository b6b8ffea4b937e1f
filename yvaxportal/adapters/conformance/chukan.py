"""The contract of the intermediate server.

Checks that ask for a code, inquire or register do so about people who do not exist, residents whose name
begins with 見本 (``Subjects.test_people``), and only when the subjects allow it: an inquiry about somebody is
an act with legal effect, and the person is shown it. Codes and answers take days on a real server; a check
that waits for one in vain is not applicable.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar, TypeVar
from uuid import uuid4

from yvaxportal.adapters.conformance.kit import (
    THREADS,
    TOO_LONG,
    Contract,
    NotApplicableError,
    expect,
    expect_error,
    expect_moment,
)
from yvaxportal.adapters.errors import NotFound, Refused
from yvaxportal.adapters.messages.chukan import (
    CodeState,
    InformationItem,
    InquiryState,
    InquiryStatus,
    InquirySubject,
    PermittedInquiry,
    ProvisionRequest,
    ProvisionState,
    SubCopy,
)
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.values.clock import jst_date

Found = TypeVar("Found")

_FEW = 3
_MANY = 1_000
_MOST_COPIES = 10_000
_FUNCTIONS = {"inquiry", "provision", "sub_copy", "exchange_record", "management"}
_CODE_LENGTH = 16
_PAUSE = 0.05
_LONG_AGO = date(1950, 4, 1)
_NAME, _LAYOUT = "TM99000000000001", "2026.07"
#: What breaks first on its way: beyond the basic plane, IVS, compatibility ideographs, wave dashes, markup.
_RARE = {
    "TM9901": "髙﨑　𠮷野",
    "TM9902": "\ufa19\ufa1b\ufa10 辻\U000e0100 〜～−－",
    "TM9903": "\"a\",'b'<&>\\ %00 {x}",
    "TM9904": "",
}
_OPEN = (
    InquiryState.REQUESTED,
    InquiryState.ACCEPTED,
    InquiryState.PERMITTED,
    InquiryState.MANUAL_WAIT,
)
_PERMITTED = (*_OPEN[2:], InquiryState.ANSWERED, InquiryState.NO_DATA, InquiryState.FETCHED)


class ChukanChecks(Contract):
    """``IChukan``."""

    system: ClassVar[str] = "chukan"
    #: Seconds that a check waits for a code or an answer.
    patience: ClassVar[float] = 5.0

    def __init__(self, adapter: Any, subjects: Any) -> None:
        super().__init__(adapter, subjects)
        self._in_vain = False

    def question(self, context: CallContext) -> Any:
        """Ask for somebody's sub-copies."""
        return self.adapter.sub_copies(self.subjects.known[0], context)

    def the_server_tells_whether_it_runs(self) -> None:
        """is_running answers with True or False."""
        expect(isinstance(self.adapter.is_running(self.context), bool), "neither True nor False")

    def the_permitted_list_can_be_read(self) -> None:
        """Each line has three codes of 16 characters, a kind of two, and days that end after they begin."""
        for line in self.adapter.permitted_inquiries(self.context):
            codes = (line.affair_code, line.procedure_code, line.information_name_code)
            expect(all(len(code) == _CODE_LENGTH for code in codes), "a code of another length")
            expect(len(line.provider_kind) == len("01"), "a kind of another length")
            expect(line.valid_to is None or line.valid_from <= line.valid_to, "days that end too early")

    def an_unknown_operator_is_not_found(self) -> None:
        """Rights of somebody who is not registered raise NotFound."""
        for operator in ("nobody-of-the-conformance-kit", "見本", "1' OR '1'='1"):
            expect_error(partial(self.adapter.operator_rights, operator, self.context), NotFound, Refused)

    def operators_have_functions_of_the_list(self) -> None:
        """The functions of an operator are those of the message, and the answer is about that operator."""
        for operator in (self.context.operator_id, "system"):
            try:
                rights = self.adapter.operator_rights(operator, self.context)
            except NotFound:
                continue
            expect(rights.operator_id == operator, "another operator")
            expect(rights.functions <= _FUNCTIONS, "a function that there is not")
            return
        raise NotApplicableError("neither system nor conformance is an operator there")

    def a_day_long_ago_had_no_batches(self) -> None:
        """Batches of a day before there was a server are none, its counts are nought."""
        expect(self.adapter.batches(_LONG_AGO, self.context) == (), "batches")
        counts = self.adapter.statistics(_LONG_AGO, self.context)
        expect(counts.day == _LONG_AGO, "another day")
        numbers = (counts.inquiries, counts.provisions, counts.sub_copies, counts.refused)
        expect(not any(numbers), "counts above nought")

    def code_states_come_in_the_order_asked(self) -> None:
        """Every number asked for has its state, in the order asked; one that nobody has has none."""
        asked = [*self.subjects.known, self.subjects.unknown]
        states = self.adapter.code_states(asked, self.context)
        expect([state.atena_number for state in states] == asked, "other numbers, or another order")
        expect(states[-1].state is CodeState.NONE, "somebody unknown has a code")
        for state in states:
            expect_moment(state.since)
        backwards = self.adapter.code_states(asked[::-1], self.context)
        expect([state.atena_number for state in backwards] == asked[::-1], "another order")

    def states_of_nobody_are_none(self) -> None:
        """No numbers have no states."""
        expect(self.adapter.code_states((), self.context) == (), "states")

    def more_than_a_thousand_are_too_many(self) -> None:
        """More than 1,000 numbers, and a limit outside 1 to 1,000, raise Refused (E0003)."""
        numbers = [str(number) for number in range(1, _MANY + 2)]
        self._refused("E0003", partial(self.adapter.code_states, numbers, self.context))
        for limit in (0, -1, _MANY + 1):
            self._refused("E0003", partial(self.adapter.provision_requests, None, limit, self.context))
            self._refused("E0003", partial(self._records, None, limit))

    def what_is_no_number_is_refused(self) -> None:
        """Letters, nothing, quotes and more than fifteen digits raise Refused or NotFound."""
        for number in ("見本", "", TOO_LONG, "1' OR '1'='1", "../1", "1?a=b", "1%00", "１２"):
            expect_error(partial(self.adapter.sub_copies, number, self.context), Refused, NotFound)
            expect_error(partial(self.adapter.code_states, [number], self.context), Refused, NotFound)

    def an_unknown_inquiry_is_not_found(self) -> None:
        """Status and answer of an inquiry that there is not raise NotFound."""
        for inquiry in (_mark(), "../1", "見本", "1' OR '1'='1"):
            for call in (self.adapter.inquiry_status, self.adapter.inquiry_answer):
                expect_error(partial(call, inquiry, self.context), NotFound, Refused)
        expect_error(lambda: self.adapter.inquiry_status(_mark(), self.context), NotFound)

    def requests_come_in_pages_and_each_once(self) -> None:
        """Provision requests come oldest first, at most the limit, none twice; a page again is the same."""
        seen: list[ProvisionRequest] = []
        cursor = None
        for _ in range(_FEW):
            page = self.adapter.provision_requests(cursor, _FEW, self.context)
            again = self.adapter.provision_requests(cursor, _FEW, self.context)
            expect(len(page.items) <= _FEW, "more than the limit")
            expect(
                [one.request_id for one in page.items] == [one.request_id for one in again.items], "others"
            )
            expect_moment(page.as_of)
            seen += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        ids = [one.request_id for one in seen]
        expect(len(set(ids)) == len(ids), "a request twice")
        moments = [one.received_at for one in seen]
        expect(moments == sorted(moments), "not oldest first")

    def an_unknown_cursor_is_refused(self) -> None:
        """A cursor that was never given raises Refused."""
        for cursor in ("never-given", "", "見本"):
            expect_error(partial(self.adapter.provision_requests, cursor, _FEW, self.context), Refused)
            expect_error(partial(self._records, cursor, _FEW), Refused)

    def records_are_of_the_days_that_were_asked(self) -> None:
        """Exchange records lie within the days asked, oldest first, at most the limit."""
        today = self._today()
        page = self.adapter.exchange_records(today - timedelta(days=30), today, None, _FEW, self.context)
        expect(len(page.items) <= _FEW, "more than the limit")
        moments = [one.recorded_at for one in page.items]
        expect(moments == sorted(moments), "not oldest first")
        expect(all(today - timedelta(days=30) <= jst_date(one) <= today for one in moments), "another day")
        old = self.adapter.exchange_records(_LONG_AGO, _LONG_AGO, None, _FEW, self.context)
        expect((old.items, old.next_cursor) == ((), None), "records from before there was a server")

    def days_in_the_wrong_order_are_refused(self) -> None:
        """Days that end before they begin raise Refused (E0004)."""
        today = self._today()
        before = today - timedelta(days=1)
        self._refused("E0004", lambda: self.adapter.exchange_records(today, before, None, _FEW, self.context))

    def somebody_unknown_has_no_sub_copies(self) -> None:
        """Sub-copies of a number that nobody has are none."""
        expect(self.adapter.sub_copies(self.subjects.unknown, self.context) == (), "sub-copies")

    def an_error_names_nobody(self) -> None:
        """The text of an error holds no number and no value."""
        number = TOO_LONG
        error = expect_error(lambda: self.adapter.sub_copies(number, self.context), Refused, NotFound)
        expect(number not in f"{error} {error!r}", "the number stands in the error")
        mark = _mark()
        error = expect_error(lambda: self.adapter.inquiry_status(mark, self.context), NotFound)
        expect(mark not in f"{error} {error!r}", "the id stands in the error")

    def many_threads_ask_at_once(self) -> None:
        """An implementation is used by many threads; none gets another's answer."""
        numbers = self.subjects.known[:2] * THREADS
        with ThreadPoolExecutor(THREADS) as threads:
            asked = [threads.submit(self.adapter.code_states, [one], self.context) for one in numbers]
            answers = [one.result()[0].atena_number for one in asked]
        expect(answers == list(numbers), "answers went astray")

    def a_call_ends_within_its_limit(self) -> None:
        """A call answers, or ends in an error, within its time limit and a little."""
        limit = self.context.time_limit.total_seconds()
        began = time.monotonic()
        self.adapter.provision_requests(None, _MANY, self.context)
        expect(time.monotonic() - began < limit + _PAUSE, "it took longer")

    def a_code_is_asked_for_once(self) -> None:
        """Somebody for whom a code was asked keeps its state, under any key; a key answers the same."""
        person, key = self._person(), _mark()
        first = self.adapter.request_code(person, key, self.context)
        expect(first.atena_number == person, "somebody else's")
        expect(first.state in {CodeState.REQUESTED, CodeState.HELD}, f"{first.state}")
        expect_moment(first.since)
        expect(self.adapter.request_code(person, key, self.context) == first, "another answer")
        second = self.adapter.request_code(person, _mark(), self.context)
        (state,) = self.adapter.code_states([person], self.context)
        for later in (second, state):
            expect(later.state in {first.state, CodeState.HELD}, "the code went back")

    def nobody_gets_no_code(self) -> None:
        """A code for a number that nobody has raises NotFound."""
        self._person()
        expect_error(
            lambda: self.adapter.request_code(self.subjects.unknown, _mark(), self.context), NotFound
        )

    def an_inquiry_outside_the_list_is_refused(self) -> None:
        """What the permitted-inquiry list does not allow raises Refused (not_permitted)."""
        nothing = "9Z" * 8
        own = f"01{self.subjects.municipality_code}"
        subject = InquirySubject(self._person(), nothing, nothing, nothing, own)
        self._refused("not_permitted", lambda: self.adapter.inquire(subject, _mark(), self.context))
        other = replace(self._subject(), provider_code="9Z000000")
        self._refused("not_permitted", lambda: self.adapter.inquire(other, _mark(), self.context))

    def nothing_is_asked_about_somebody_without_a_code(self) -> None:
        """An inquiry about somebody who has no linkage code raises Refused (no_code)."""
        person = self.subjects.test_people[-1] if self._person() else ""
        (state,) = self.adapter.code_states([person], self.context)
        if state.state is not CodeState.NONE:
            raise NotApplicableError("every test person has a code already")
        subject = replace(self._subject(), atena_number=person)
        self._refused("no_code", lambda: self.adapter.inquire(subject, _mark(), self.context))

    def nothing_is_asked_about_nobody(self) -> None:
        """An inquiry about a number that nobody has raises NotFound."""
        nobody = replace(self._subject(), atena_number=self.subjects.unknown)
        expect_error(lambda: self.adapter.inquire(nobody, _mark(), self.context), NotFound)

    def what_is_no_subject_is_refused(self) -> None:
        """Codes of another form raise Refused (E0002, E0003), days in the wrong order Refused (E0004)."""
        subject = self._subject()
        today = self._today()
        for wrong in ("", "X", "見本" * 8, "a" * _CODE_LENGTH):
            bad = replace(subject, affair_code=wrong)
            expect_error(partial(self.adapter.inquire, bad, _mark(), self.context), Refused)
        bad = replace(subject, first_day=today, last_day=today - timedelta(days=1))
        self._refused("E0004", lambda: self.adapter.inquire(bad, _mark(), self.context))

    def an_inquiry_never_goes_back(self) -> None:
        """Each state is later than the one before; from the permit on there is a processing number."""
        begun = self._begun()
        seen = [begun, *self._followed(begun.inquiry_id)]
        order = list(InquiryState)
        for earlier, later in pairwise(seen):
            expect(order.index(earlier.state) <= order.index(later.state), f"{earlier.state}, {later.state}")
            expect(earlier.changed_at <= later.changed_at, "it changed earlier than before")
        for status in seen:
            expect(status.inquiry_id == begun.inquiry_id, "another inquiry")
            expect(status.processing_number or status.state not in _PERMITTED, "no processing number")
            expect_moment(status.changed_at)

    def an_answer_can_be_fetched_again(self) -> None:
        """An answer is the same again; the inquiry is fetched then, and says until when the answer stays."""
        begun = self._answered()
        first = self.adapter.inquiry_answer(begun.inquiry_id, self.context)
        second = self.adapter.inquiry_answer(begun.inquiry_id, self.context)
        expect(first == second, "another answer")
        expect(first.inquiry_id == begun.inquiry_id, "the answer to another inquiry")
        expect(first.processing_number and first.items, "an answer without its number or without items")
        expect_moment(first.answered_at)
        status = self.adapter.inquiry_status(begun.inquiry_id, self.context)
        expect(status.state is InquiryState.FETCHED, f"{status.state}")
        expect(status.processing_number == first.processing_number, "another processing number")
        expect(status.expires_at is not None and status.expires_at > first.answered_at, "no term")

    def there_is_no_answer_before_it_came(self) -> None:
        """While an inquiry is open its answer raises Refused (not_answered)."""
        begun = self._begun()
        error = self._error(lambda: self.adapter.inquiry_answer(begun.inquiry_id, self.context))
        if error is None:
            raise NotApplicableError("it was answered at once")
        expect(error == "not_answered", f"{error}")

    def an_inquiry_can_be_given_up(self) -> None:
        """An open inquiry is cancelled, stays so under any key, and has no answer (cancelled)."""
        begun = self._begun()
        ended = self._error(lambda: self.adapter.cancel_inquiry(begun.inquiry_id, _mark(), self.context))
        if ended == "answered":
            raise NotApplicableError("it was answered at once")
        expect(ended is None, f"{ended}")
        status = self.adapter.cancel_inquiry(begun.inquiry_id, _mark(), self.context)
        expect(status.state is InquiryState.CANCELLED, f"{status.state}")
        time.sleep(_PAUSE)
        status = self.adapter.inquiry_status(begun.inquiry_id, self.context)
        expect(status.state is InquiryState.CANCELLED, f"{status.state}")
        self._refused("cancelled", lambda: self.adapter.inquiry_answer(begun.inquiry_id, self.context))

    def an_answered_inquiry_is_not_given_up(self) -> None:
        """Cancelling after the answer came, fetched or not, raises Refused (answered)."""
        answered = self._answered()
        for _ in range(2):
            self._refused(
                "answered", lambda: self.adapter.cancel_inquiry(answered.inquiry_id, _mark(), self.context)
            )
            self.adapter.inquiry_answer(answered.inquiry_id, self.context)

    def nothing_is_given_up_that_there_is_not(self) -> None:
        """Cancelling an inquiry that there is not raises NotFound."""
        self._person()
        expect_error(lambda: self.adapter.cancel_inquiry(_mark(), _mark(), self.context), NotFound)

    def the_same_key_begins_one_inquiry(self) -> None:
        """However many ask with one key at once, there is one inquiry; another subject is refused."""
        subject, key = self._coded_subject(), _mark()
        with ThreadPoolExecutor(THREADS) as threads:
            asked = [threads.submit(self.adapter.inquire, subject, key, self.context) for _ in range(THREADS)]
            begun = {one.result().inquiry_id for one in asked}
        expect(len(begun) == 1, "several inquiries")
        other = replace(subject, first_day=_LONG_AGO, last_day=_LONG_AGO)
        self._refused("key_reused", lambda: self.adapter.inquire(other, key, self.context))
        another = self.adapter.inquire(subject, _mark(), self.context)
        expect(another.inquiry_id not in begun, "one inquiry for two keys")

    def an_answered_inquiry_is_recorded(self) -> None:
        """The exchange records of the day have the inquiry once, under its processing number."""
        status, subject = self._answered(), self._subject()
        found = [one for one in self._all_records() if one.processing_number == status.processing_number]
        expect(len(found) == 1, f"{len(found)} records")
        expect(found[0].atena_number == subject.atena_number, "somebody else's")
        expect(found[0].provider_code == subject.provider_code, "another organisation's")
        expect(found[0].information_name_code == subject.information_name_code, "of something else")

    def a_sub_copy_is_kept_exactly(self) -> None:
        """What the server holds is what was sent: rare characters, empty values, days and flags."""
        copy = replace(self._copy(), withheld=True, not_disclosed=True, published_to=date(9999, 12, 31))
        expect(self._register(copy) == "", "it was refused")
        expect(self._held(copy) == copy, "something else is held")

    def a_newer_version_replaces_an_older_one(self) -> None:
        """A correction with a higher version is what is held from then on, in one record."""
        copy = self._copy()
        newer = replace(copy, version=7, item=replace(copy.item, values={"TM9901": "訂正"}), withheld=True)
        expect([self._register(one) for one in (copy, newer)] == ["", ""], "it was refused")
        expect(self._held(copy) == newer, "something else is held")

    def an_older_version_is_refused(self) -> None:
        """An older version is outdated, as the same one with other content is; the same again is taken."""
        copy = replace(self._copy(), version=5)
        other = replace(copy, item=replace(copy.item, values={"TM9901": "別"}))
        told = [self._register(one) for one in (copy, replace(copy, version=4), other, copy)]
        expect(told == ["", "outdated", "outdated", ""], f"{told}")
        expect(self._held(copy) == copy, "something else is held")

    def a_deleted_sub_copy_stays_deleted(self) -> None:
        """A deletion takes the record away, and no older version brings it back."""
        copy = self._copy()
        gone = replace(copy, version=2, deleted=True, item=InformationItem(_NAME, _LAYOUT, {}))
        told = [self._register(one) for one in (copy, gone, copy)]
        expect(told == ["", "", "outdated"], f"{told}")
        expect(self._held(copy) is None, "it is there still")

    def a_bad_row_keeps_nobody_out(self) -> None:
        """Each row has its outcome, in order: a refused one keeps no other from being taken."""
        good, last = self._copy(), self._copy()
        nobody = replace(self._copy(), atena_number=self.subjects.unknown)
        item = replace(good.item, layout_version="no layout")
        rows = [good, nobody, replace(self._copy(), item=item), last]
        outcomes = self.adapter.register_sub_copies(rows, _mark(), self.context)
        told = [one.code for one in outcomes]
        expect(told == ["", "unknown_person", "bad_layout", ""], f"{told}")
        expect([one.record_id for one in outcomes] == [one.record_id for one in rows], "another order")
        expect(self._held(good) == good and self._held(last) == last, "a good row is not held")

    def a_record_stays_with_its_person(self) -> None:
        """A record that belongs to somebody else is refused (other_person)."""
        copy = self._copy()
        other = next((one for one in self.subjects.test_people if one != copy.atena_number), None)
        if other is None:
            raise NotApplicableError("there is one test person only")
        told = [self._register(one) for one in (copy, replace(copy, version=2, atena_number=other))]
        expect(told == ["", "other_person"], f"{told}")

    def more_than_ten_thousand_copies_are_too_many(self) -> None:
        """More than 10,000 sub-copies at once raise Refused (E0003)."""
        copies = [self._copy()] * (_MOST_COPIES + 1)
        self._refused("E0003", lambda: self.adapter.register_sub_copies(copies, _mark(), self.context))

    def the_same_key_gives_the_same_outcome(self) -> None:
        """A key gives its outcome again, also after the record went on; other copies raise key_reused."""
        copy, key = self._copy(), _mark()
        first = self.adapter.register_sub_copies([copy], key, self.context)
        self._register(replace(copy, version=2))
        expect(self.adapter.register_sub_copies([copy], key, self.context) == first, "another outcome")
        other = replace(copy, version=3)
        self._refused("key_reused", lambda: self.adapter.register_sub_copies([other], key, self.context))
        held = self._held(copy)
        expect(held is not None and held.version == len("12"), "it was done again")

    def many_threads_register_at_once(self) -> None:
        """Versions that many threads register at the same moment end in the highest."""
        copy = self._copy()
        versions = [replace(copy, version=version) for version in range(1, THREADS + 1)]
        with ThreadPoolExecutor(THREADS) as threads:
            told = list(threads.map(self._register, versions))
        expect(set(told) <= {"", "outdated"}, f"{set(told)}")
        expect(told[-1] == "", "the highest was refused")
        expect(self._held(copy) == versions[-1], "another version is held")

    def a_registration_is_counted_and_is_a_batch(self) -> None:
        """What was taken is counted on the day, and the registration is among the batches of the day."""
        self._person()
        day = self._today()
        before = self.adapter.statistics(day, self.context)
        known = {batch.batch_id for batch in self.adapter.batches(day, self.context)}
        self._register(self._copy())
        after = self.adapter.statistics(day, self.context)
        expect(after.sub_copies > before.sub_copies, "it was not counted")
        new = [one for one in self.adapter.batches(day, self.context) if one.batch_id not in known]
        expect(new, "no new batch")
        expect(new[-1].state in {"running", "ended"} and new[-1].rows >= new[-1].failed_rows, "a bad batch")
        expect_moment(new[-1].started_at)

    def a_request_is_answered_by_hand_once(self) -> None:
        """A waiting request that is answered is answered; answering it again raises Refused (not_waiting)."""
        self._person()
        request = self._waiting()
        item = InformationItem(request.information_name_code, _LAYOUT, _RARE)
        key = _mark()
        told = self.adapter.answer_provision(request.request_id, [item], key, self.context)
        expect(told == replace(request, state=ProvisionState.ANSWERED), "another request, or not answered")
        expect(
            self.adapter.answer_provision(request.request_id, [item], key, self.context) == told,
            "the same key, another answer",
        )
        self._refused(
            "not_waiting",
            lambda: self.adapter.answer_provision(request.request_id, [], _mark(), self.context),
        )
        found = [one for one in self._all_records() if one.processing_number == request.processing_number]
        expect(len(found) == 1, f"{len(found)} records")
        expect(found[0].requester_code == request.requester_code, "another organisation's record")

    def nothing_is_answered_that_was_not_asked(self) -> None:
        """Answering a request that there is not raises NotFound; what is no record of a layout, Refused."""
        self._person()
        expect_error(lambda: self.adapter.answer_provision(_mark(), [], _mark(), self.context), NotFound)
        for values in ({}, {"見本": "1"}, {"TM9901": "1" * 1001}, {"TM9901": "a\x00b"}, {"TM9901": "\ud800"}):
            item = InformationItem(_NAME, _LAYOUT, values)
            expect_error(
                partial(self.adapter.answer_provision, _mark(), [item], _mark(), self.context), Refused
            )

    def what_is_over_is_deleted_once(self) -> None:
        """delete_expired tells what it deleted, the same under the same key, and nothing the next time."""
        self._person()
        key = _mark()
        first = self.adapter.delete_expired(key, self.context)
        expect_moment(first.deleted_at)
        expect(self.adapter.delete_expired(key, self.context) == first, "another answer")
        second = self.adapter.delete_expired(_mark(), self.context)
        expect(not second.exchange_records, "records again")

    def a_key_that_is_none_is_refused(self) -> None:
        """A key that is empty, too long or of other characters raises Refused."""
        self._person()
        for key in ("", "見本", "a" * 65, "a b"):
            expect_error(partial(self.adapter.delete_expired, key, self.context), Refused)

    def _person(self) -> str:
        if not self.subjects.may_write:
            raise NotApplicableError("it would leave test records behind")
        if not self.subjects.test_people:
            raise NotApplicableError("no resident's name begins with 見本")
        return str(self.subjects.test_people[0])

    def _today(self) -> date:
        return jst_date(self.adapter.provision_requests(None, 1, self.context).as_of)

    def _ground(self) -> PermittedInquiry:
        today = self._today()
        for line in self.adapter.permitted_inquiries(self.context):
            if line.valid_from <= today and (line.valid_to is None or today <= line.valid_to):
                return line  # type: ignore[no-any-return]
        raise NotApplicableError("the permitted-inquiry list has no line in force")

    def _subject(self) -> InquirySubject:
        person, line = self._person(), self._ground()
        return InquirySubject(
            person,
            line.affair_code,
            line.procedure_code,
            line.information_name_code,
            line.provider_kind + self.subjects.municipality_code,
        )

    def _coded_subject(self) -> InquirySubject:
        subject = self._subject()
        self.adapter.request_code(subject.atena_number, _mark(), self.context)

        def held() -> bool | None:
            (state,) = self.adapter.code_states([subject.atena_number], self.context)
            return state.state is CodeState.HELD or None

        self._waited(held, "no code came: that takes days, or somebody who enters it")
        return subject

    def _begun(self) -> InquiryStatus:
        begun: InquiryStatus = self.adapter.inquire(self._coded_subject(), _mark(), self.context)
        expect(begun.state in {*_OPEN, InquiryState.ANSWERED}, f"{begun.state}")
        return begun

    def _followed(self, inquiry_id: str) -> list[InquiryStatus]:
        """Return the statuses of an inquiry until it ended."""
        seen: list[InquiryStatus] = []

        def ended() -> bool | None:
            seen.append(self.adapter.inquiry_status(inquiry_id, self.context))
            return seen[-1].state not in _OPEN or None

        self._waited(ended, "no answer came: that takes days, or somebody who enters it")
        return seen

    def _answered(self) -> InquiryStatus:
        status = self._followed(self._begun().inquiry_id)[-1]
        if status.state is not InquiryState.ANSWERED:
            raise NotApplicableError(f"the inquiry ended as {status.state}")
        return status

    def _waited(self, look: Callable[[], Found | None], otherwise: str) -> Found:
        """Return what ``look`` finds once it finds it. What came in vain once is not waited for again."""
        until = time.monotonic() + (0 if self._in_vain else self.patience)
        while True:
            found = look()
            if found is not None:
                return found
            if time.monotonic() >= until:
                self._in_vain = True
                raise NotApplicableError(otherwise)
            time.sleep(_PAUSE)

    def _copy(self) -> SubCopy:
        return SubCopy(_mark(), self._person(), 1, InformationItem(_NAME, _LAYOUT, _RARE), date(2026, 4, 1))

    def _register(self, copy: SubCopy) -> str:
        (outcome,) = self.adapter.register_sub_copies([copy], _mark(), self.context)
        expect((outcome.record_id, outcome.version) == (copy.record_id, copy.version), "of another copy")
        return str(outcome.code)

    def _held(self, copy: SubCopy) -> SubCopy | None:
        found = self.adapter.sub_copies(copy.atena_number, self.context)
        same: list[SubCopy] = [one for one in found if one.record_id == copy.record_id]
        expect(len(same) <= 1, "one record twice")
        return same[0] if same else None

    def _waiting(self) -> ProvisionRequest:
        cursor: str | None = None
        while True:
            page = self.adapter.provision_requests(cursor, _MANY, self.context)
            for one in page.items:
                waits = one.state in {ProvisionState.WAITING, ProvisionState.WITHHELD}
                if waits and one.atena_number in self.subjects.test_people:
                    return one  # type: ignore[no-any-return]
            cursor = page.next_cursor
            if cursor is None:
                raise NotApplicableError("nobody asks anything about a test person")

    def _records(self, cursor: str | None, limit: int) -> Any:
        return self.adapter.exchange_records(_LONG_AGO, date(9999, 12, 31), cursor, limit, self.context)

    def _all_records(self) -> list[Any]:
        today, found, cursor = self._today(), [], None
        while True:
            page = self.adapter.exchange_records(
                today - timedelta(days=1), today + timedelta(days=1), cursor, _MANY, CallContext.batch()
            )
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                return found

    def _error(self, call: Callable[[], object]) -> str | None:
        """Return the code with which a call is refused, None when it is not."""
        try:
            call()
        except Refused as refused:
            return refused.code
        return None

    def _refused(self, code: str, call: Callable[[], object]) -> None:
        error = expect_error(call, Refused)
        expect(getattr(error, "code", "") == code, f"{getattr(error, 'code', '')} instead of {code}")


def _mark() -> str:
    return f"conformance-{uuid4().hex[:20]}"
