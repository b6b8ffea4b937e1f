"""The contract of the vaccination record system.

Checks that write run only when the subjects allow it. Each registers a ticket of its own: it begins with
99, its person is called 見本　適合試験, its atena number has fifteen digits and begins with 99, and both are
drawn anew every time. Only a ticket that VRS does not know is used, so that nobody's, real or of an earlier
run, is touched. Doses are deleted afterwards and the ticket gets the flag of somebody who moved out; tickets
and certificates stay, since nothing deletes them.
"""

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import islice, pairwise
from typing import Any, ClassVar
from uuid import uuid4

from yvaxportal.adapters.conformance.kit import (
    AT_ONCE_SECONDS,
    HURRIED,
    THREADS,
    BrokenContractError,
    Contract,
    NotApplicableError,
    expect,
    expect_error,
    expect_moment,
)
from yvaxportal.adapters.errors import AdapterError, NotFound, Refused, Unavailable
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.vrs import (
    LAST_CERTIFIED_DAY,
    CertificateRequest,
    IssuedCertificate,
    RowOutcome,
    VrsFlag,
    VrsRecord,
    VrsTarget,
)
from yvaxportal.models.codes import CertificateKind, Sex, VaccinationStatus
from yvaxportal.values.checkdigits import personal_number_check_digit
from yvaxportal.values.personal_number import PersonalNumber

_FEW = 12
_MOST = 1_000
_TRIALS = 5
_NEVER_GIVEN = "0" * 32
_ANOTHER_CITY = "131016"
_LONGEST_VENUE = 30


class VrsChecks(Contract):
    """``IVrs``."""

    system: ClassVar[str] = "vrs"
    # The question is about everybody: nobody's answer is another's.
    bad_answers: ClassVar[tuple[str, ...]] = ("malformed", "too_large")

    def question(self, context: CallContext) -> Any:
        """Ask for the first records."""
        return self.adapter.list_records(None, _FEW, context)

    # Reading

    def an_unknown_ticket_is_not_found(self) -> None:
        """A ticket that nobody has raises NotFound, also when a certificate is asked for."""
        ticket = self._unknown_ticket()
        expect_error(lambda: self._records(ticket), NotFound)
        expect_error(lambda: self.adapter.records_for_certificate(ticket, self.context), NotFound)

    def letters_are_no_ticket(self) -> None:
        """Letters instead of a ticket number raise NotFound or Refused."""
        expect_error(lambda: self._records("見本"), NotFound, Refused)

    def nothing_is_no_ticket(self) -> None:
        """An empty ticket number raises NotFound or Refused."""
        expect_error(lambda: self._records(""), NotFound, Refused)

    def a_ticket_of_another_length_is_no_ticket(self) -> None:
        """Nine digits, or eleven, raise NotFound or Refused."""
        for ticket in ("9" * 9, "9" * 11):
            expect_error(partial(self._records, ticket), NotFound, Refused)

    def a_ticket_with_a_quote(self) -> None:
        """Characters that mean something to databases and addresses raise NotFound or Refused."""
        for ticket in ("1' OR '1'='1", "../1", "1?a=b", "1%00"):
            expect_error(partial(self._records, ticket), NotFound, Refused)

    def an_error_names_nobody(self) -> None:
        """The text of an error holds no ticket number."""
        ticket = self._unknown_ticket()
        error = expect_error(lambda: self._records(ticket), NotFound)
        expect(ticket not in f"{error} {error!r}", "the number stands in the error")

    def a_list_has_one_to_a_thousand(self) -> None:
        """A limit outside 1 to 1,000 raises Refused."""
        for limit in (0, -1, _MOST + 1):
            expect_error(partial(self.adapter.list_records, None, limit, self.context), Refused)

    def an_unknown_cursor_is_refused(self) -> None:
        """A cursor that was never given raises Refused."""
        expect_error(lambda: self.adapter.list_records("never-given", _FEW, self.context), Refused)

    def a_list_gives_each_record_once_in_order(self) -> None:
        """Whatever the limit, going on by next_cursor gives every record once, in order of registration."""
        with self._something_recorded():
            page = self.adapter.list_records(None, _MOST, self.context)
            expect_moment(page.as_of)
            whole = page.items
            expect(len({record.record_id for record in whole}) == len(whole), "a record twice")
            expect(all(a.registered_at <= b.registered_at for a, b in pairwise(whole)), "another order")
            for limit in (1, 2, 3):
                expect(tuple(self._walk(limit, _FEW)) == whole[:_FEW], f"others, {limit} at a time")

    def a_list_is_of_this_municipality(self) -> None:
        """Every record of the list has this municipality's code, an id, and its moment in UTC."""
        with self._something_recorded():
            for record in self.adapter.list_records(None, _FEW, self.context).items:
                expect(record.municipality_code == self.subjects.municipality_code, "another municipality's")
                expect(record.record_id, "no record_id")
                expect_moment(record.registered_at)

    def the_download_begins_as_the_list_does(self) -> None:
        """The download gives what the list gives, in the same order, and may be left in the middle."""
        with self._something_recorded():
            with closing(self.adapter.download(CallContext.batch())) as stream:
                begun = tuple(islice(stream, _FEW))
            expect(begun == self.adapter.list_records(None, _FEW, self.context).items, "others")

    def a_call_ends_within_its_time_limit(self) -> None:
        """A call with next to no time ends at once, with its answer or with Unavailable."""
        hurried, ticket = CallContext(self.context.operator_id, HURRIED), self._unknown_ticket()
        began = time.monotonic()
        expect_error(lambda: self.adapter.records(ticket, hurried), NotFound, Unavailable)
        expect(time.monotonic() - began < AT_ONCE_SECONDS, "it went on after its time")

    # Targets

    def a_ticket_is_registered_without_doses(self) -> None:
        """A registered ticket is known; it has no dose and nothing for a certificate."""
        with self._ticket() as ticket:
            expect(self._records(ticket) == (), "doses")
            expect(self.adapter.records_for_certificate(ticket, self.context) == (), "doses")

    def a_target_is_taken_again(self) -> None:
        """A target that is there is taken again, also under another key and with a corrected name."""
        with self._registered() as target:
            for again in (target, replace(target, name="見本　適合試験　訂正")):
                expect(all(one.taken for one in self._register(again)), "refused")

    def a_ticket_belongs_to_one_person(self) -> None:
        """A ticket that somebody else has is refused with ticket_taken."""
        with self._registered() as target:
            (outcome,) = self._register(replace(target, atena_number=_atena_number()))
            expect(outcome.code == "ticket_taken", f"the code {outcome.code!r}")

    def rows_are_answered_one_by_one(self) -> None:
        """Refused rows say why, in order, and do not hinder the others."""
        good, other, mistyped, short, last = (self._target() for _ in range(5))
        digits = good.personal_number.reveal()
        wrong = PersonalNumber(digits[:-1] + str((int(digits[-1]) + 1) % 10))
        rows = (
            good,
            replace(other, municipality_code=_ANOTHER_CITY),
            replace(mistyped, personal_number=wrong),
            replace(short, ticket_number=short.ticket_number[1:]),
            last,
        )
        outcomes = self._register(*rows)
        expect([one.position for one in outcomes] == list(range(len(rows))), "other positions")
        wanted = ["", "wrong_municipality", "bad_number", "bad_number", ""]
        expect([one.code for one in outcomes] == wanted, f"the codes {[one.code for one in outcomes]}")
        for target in (good, last):
            expect(self._records(target.ticket_number) == (), "a good row was not taken")
            self._leave(target.ticket_number)
        expect_error(lambda: self._records(other.ticket_number), NotFound)

    def targets_have_keys_too(self) -> None:
        """The same key with the same targets gives the same outcomes, with others Refused (key_reused)."""
        key = _mark()
        with self._registered() as target:
            first, second = (self._register(target, key=key) for _ in range(2))
            expect(first == second, "other outcomes")
            other = self._target()
            self._expect_code("key_reused", partial(self._register, other, key=key))
            expect_error(lambda: self._records(other.ticket_number), NotFound)

    # Doses

    def a_dose_is_recorded_exactly(self) -> None:
        """What is listed of a dose is what was sent, rare characters included, with an id and a moment."""
        with self._ticket() as ticket:
            sent = self._dose(ticket)
            made = self._record(sent)
            expect(made.record_id, "no record_id")
            expect_moment(made.registered_at)
            expect(replace(made, record_id=None, registered_at=None) == sent, "another answer")
            expect(self._records(ticket) == (made,), "another record")

    def a_dose_may_say_little(self) -> None:
        """A dose without venue, physician, vaccine and product is recorded, and one that was not given."""
        little: dict[str, Any] = {"given_at": None, "physician": None, "vaccine": None, "product_name": None}
        with self._ticket() as ticket:
            bare = self._record(replace(self._dose(ticket), **little))
            stopped = replace(self._dose(ticket, 2), status=VaccinationStatus.NOT_DONE, **little)
            stopped = self._record(replace(stopped, manufacturer="", lot_number=""))
            expect(self._records(ticket) == (bare, stopped), "other records")

    def doses_come_in_order(self) -> None:
        """Records are in order of dose number, whenever they were registered."""
        with self._ticket() as ticket:
            made = [self._record(self._dose(ticket, number)) for number in (3, 1, 2)]
            in_order = tuple(sorted(made, key=lambda record: record.dose_number))
            expect(self._records(ticket) == in_order, "another order")

    def the_same_dose_is_recorded_once(self) -> None:
        """The same dose under another key is answered with the record that is there."""
        with self._ticket() as ticket:
            first, second = (self._record(self._dose(ticket)) for _ in range(2))
            expect(first == second, "another record")
            expect(self._records(ticket) == (first,), "several records")

    def another_dose_of_the_same_number_is_refused(self) -> None:
        """A dose number that is there with other values raises Refused (already_recorded)."""
        with self._ticket() as ticket:
            made = self._record(self._dose(ticket))
            other = replace(self._dose(ticket), lot_number="TEST0002")
            self._expect_code("already_recorded", partial(self._record, other))
            expect(self._records(ticket) == (made,), "the record changed")

    def a_dose_needs_a_ticket(self) -> None:
        """A dose under a ticket that is not registered raises NotFound."""
        self._may_write()
        expect_error(lambda: self._record(self._dose(self._unknown_ticket())), NotFound)

    def a_dose_is_this_municipalitys(self) -> None:
        """A dose with another municipality's code raises Refused (not_own)."""
        with self._ticket() as ticket:
            other = replace(self._dose(ticket), municipality_code=_ANOTHER_CITY)
            self._expect_code("not_own", partial(self._record, other))
            expect(self._records(ticket) == (), "it was recorded")

    def a_dose_number_is_one_to_nine(self) -> None:
        """Dose number 0, and 10, raise Refused."""
        with self._ticket() as ticket:
            for number in (0, 10):
                expect_error(partial(self._record, self._dose(ticket, number)), Refused)
            expect(self._records(ticket) == (), "it was recorded")

    def lengths_are_characters(self) -> None:
        """A venue of 30 characters beyond the basic plane is taken, one of 31 raises Refused."""
        with self._ticket() as ticket:
            longest = replace(self._dose(ticket), given_at="𠮷" * _LONGEST_VENUE)
            made = self._record(longest)
            expect(self._records(ticket) == (made,), "another record")
            longer = replace(self._dose(ticket, 2), given_at="𠮷" * (_LONGEST_VENUE + 1))
            expect_error(partial(self._record, longer), Refused)

    def a_given_dose_has_maker_and_lot(self) -> None:
        """A dose that was given without manufacturer or lot number raises Refused."""
        with self._ticket() as ticket:
            dose = self._dose(ticket)
            for wanting in (replace(dose, manufacturer=""), replace(dose, lot_number="")):
                expect_error(partial(self._record, wanting), Refused)

    def the_same_key_gives_the_same_answer(self) -> None:
        """The same key with the same dose gives the same answer, also when the dose is gone by then."""
        with self._ticket() as ticket:
            dose, key = self._dose(ticket), _mark()
            first, second = (self.adapter.register_record(dose, key, self.context) for _ in range(2))
            expect(first == second, "another answer")
            self.adapter.delete_record(first.record_id, _mark(), self.context)
            third = self.adapter.register_record(dose, key, self.context)
            expect(third == first, "another answer after the dose was deleted")
            expect(self._records(ticket) == (), "recorded a second time")

    def a_key_is_used_for_one_thing(self) -> None:
        """The same key with another dose raises Refused (key_reused) and records nothing."""
        with self._ticket() as ticket:
            key = _mark()
            made = self.adapter.register_record(self._dose(ticket), key, self.context)
            other = partial(self.adapter.register_record, self._dose(ticket, 2), key, self.context)
            self._expect_code("key_reused", other)
            expect(self._records(ticket) == (made,), "it was recorded")

    def a_call_that_ran_out_of_time_is_repeated(self) -> None:
        """Repeated with its key after its time ran out, a call records once, whatever had happened."""
        with self._ticket() as ticket:
            dose, key = self._dose(ticket), _mark()
            with suppress(Unavailable):
                hurried = CallContext(self.context.operator_id, HURRIED)
                self.adapter.register_record(dose, key, hurried)
            made = self.adapter.register_record(dose, key, self.context)
            expect(self._records(ticket) == (made,), "not once")

    def many_register_the_same_dose_at_once(self) -> None:
        """However many register a dose at the same moment, there is one record of it."""
        with self._ticket() as ticket, ThreadPoolExecutor(THREADS) as threads:
            asked = [threads.submit(self._record, self._dose(ticket)) for _ in range(THREADS)]
            made = {one.result().record_id for one in asked}
            expect(len(made) == 1, "several ids")
            expect(len(self._records(ticket)) == 1, "several records")

    def many_threads_get_their_own(self) -> None:
        """An implementation is used by many threads; none gets another's answer."""
        with self._ticket() as ticket, ThreadPoolExecutor(THREADS) as threads:
            doses = [self._dose(ticket, number) for number in range(1, THREADS + 1)]
            made = list(threads.map(self._record, doses))
            expect([one.dose_number for one in made] == [one.dose_number for one in doses], "astray")
            expect(self._records(ticket) == tuple(made), "other records")

    # Corrections and deletions

    def a_correction_replaces_what_a_record_says(self) -> None:
        """A corrected record keeps its id and says what was sent, and only that."""
        with self._ticket() as ticket:
            made = self._record(self._dose(ticket))
            corrected = replace(made, lot_number="TEST0002", physician=None, given_on=date(2021, 6, 2))
            key = _mark()
            first, second = (self.adapter.correct_record(corrected, key, self.context) for _ in range(2))
            expect(first == second, "another answer to the same key")
            expect(first.record_id == made.record_id, "another id")
            expect(first == replace(corrected, registered_at=first.registered_at), "another answer")
            expect(self._records(ticket) == (first,), "another record")

    def a_correction_of_nothing_is_not_found(self) -> None:
        """Correcting a record that there is not, or no longer, raises NotFound."""
        with self._ticket() as ticket:
            made = self._record(self._dose(ticket))
            for record_id in (_NEVER_GIVEN, None):
                wrong = replace(made, record_id=record_id)
                expect_error(partial(self.adapter.correct_record, wrong, _mark(), self.context), NotFound)
            self.adapter.delete_record(made.record_id, _mark(), self.context)
            expect_error(partial(self.adapter.correct_record, made, _mark(), self.context), NotFound)

    def a_correction_makes_no_second_dose(self) -> None:
        """Correcting a record to a dose number that another has raises Refused (already_recorded)."""
        with self._ticket() as ticket:
            first, second = (self._record(self._dose(ticket, number)) for number in (1, 2))
            doubled = replace(second, dose_number=1)
            self._expect_code(
                "already_recorded", partial(self.adapter.correct_record, doubled, _mark(), self.context)
            )
            expect(self._records(ticket) == (first, second), "the records changed")

    def a_deleted_record_is_gone(self) -> None:
        """A deleted record is listed nowhere; the dose may be recorded anew, under an id never used."""
        with self._ticket() as ticket:
            made = self._record(self._dose(ticket))
            self.adapter.delete_record(made.record_id, _mark(), self.context)
            expect(self._records(ticket) == (), "it is there")
            anew = self._record(self._dose(ticket))
            expect(anew.record_id != made.record_id, "the id is used again")

    def a_record_may_be_deleted_again(self) -> None:
        """Deleting a deleted record is no error, with the same key or another."""
        with self._ticket() as ticket:
            made, key = self._record(self._dose(ticket)), _mark()
            for again in (key, key, _mark()):
                self.adapter.delete_record(made.record_id, again, self.context)

    def what_never_was_is_not_deleted(self) -> None:
        """Deleting a record that there never was raises NotFound."""
        self._may_write()
        expect_error(lambda: self.adapter.delete_record(_NEVER_GIVEN, _mark(), self.context), NotFound)

    # Flags

    def a_flag_is_set_and_taken_away(self) -> None:
        """Both flags can be set and taken away, again and again; doses stay as they are."""
        with self._ticket() as ticket:
            made = self._record(self._dose(ticket))
            for flag in (VrsFlag.MOVED_OUT, VrsFlag.DECEASED, VrsFlag.DECEASED, None, None):
                self.adapter.set_flag(ticket, flag, _mark(), self.context)
            expect(self._records(ticket) == (made,), "the records changed")

    def a_flag_has_a_key_too(self) -> None:
        """The same key with the same flag is no error, with another raises Refused (key_reused)."""
        with self._ticket() as ticket:
            key = _mark()
            for _ in range(2):
                self.adapter.set_flag(ticket, VrsFlag.DECEASED, key, self.context)
            self._expect_code("key_reused", partial(self.adapter.set_flag, ticket, None, key, self.context))

    def a_flag_needs_a_ticket(self) -> None:
        """A flag for a ticket that is not registered raises NotFound."""
        self._may_write()
        ticket = self._unknown_ticket()
        expect_error(lambda: self.adapter.set_flag(ticket, VrsFlag.DECEASED, _mark(), self.context), NotFound)

    # Certificates

    def a_certificate_has_doses_up_to_the_last_day(self) -> None:
        """Doses given up to 2024-03-31 stand on a certificate; later ones and ones not given do not."""
        with self._ticket() as ticket:
            last = self._record(replace(self._dose(ticket, 1), given_on=LAST_CERTIFIED_DAY))
            self._record(replace(self._dose(ticket, 2), given_on=LAST_CERTIFIED_DAY + timedelta(days=1)))
            self._record(replace(self._dose(ticket, 3), status=VaccinationStatus.NOT_DONE))
            expect(self.adapter.records_for_certificate(ticket, self.context) == (last,), "other doses")
            issued = self._issue(CertificateRequest(ticket, CertificateKind.DOMESTIC))
            expect(issued.records == (last,), "other doses on the certificate")
            expect(issued.kind is CertificateKind.DOMESTIC, "another kind")
            expect(issued.certificate_id, "no certificate_id")
            expect(issued.issued_on <= datetime.now(UTC).date() + timedelta(days=1), "a day to come")

    def a_certificate_needs_a_dose(self) -> None:
        """Without a dose that can stand on it a certificate raises Refused (no_records)."""
        with self._ticket() as ticket:
            request = CertificateRequest(ticket, CertificateKind.DOMESTIC)
            self._expect_code("no_records", partial(self._issue, request))
            self._record(replace(self._dose(ticket), given_on=LAST_CERTIFIED_DAY + timedelta(days=1)))
            self._expect_code("no_records", partial(self._issue, request))

    def a_certificate_needs_a_ticket(self) -> None:
        """A certificate for a ticket that is not registered raises NotFound."""
        self._may_write()
        request = CertificateRequest(self._unknown_ticket(), CertificateKind.DOMESTIC)
        expect_error(lambda: self._issue(request), NotFound)

    def a_journey_needs_a_passport(self) -> None:
        """A certificate for travel without name, number or nationality raises Refused (passport_missing)."""
        with self._ticket() as ticket:
            self._record(self._dose(ticket))
            request = CertificateRequest(ticket, CertificateKind.TRAVEL, "MIHON HANAKO", "ZZ0000000", "JPN")
            for missing in ("name_alphabet", "passport_number", "passport_nationality"):
                empty: dict[str, Any] = {missing: None}
                self._expect_code("passport_missing", partial(self._issue, replace(request, **empty)))
            issued = self._issue(request)
            expect(issued.kind is CertificateKind.TRAVEL, "another kind")
            expect("ZZ0000000" not in repr(issued), "the passport came back")

    def a_passport_is_for_a_journey(self) -> None:
        """Passport details with a certificate for use at home raise Refused: they are not needed."""
        with self._ticket() as ticket:
            self._record(self._dose(ticket))
            request = CertificateRequest(ticket, CertificateKind.DOMESTIC, passport_number="ZZ0000000")
            expect_error(lambda: self._issue(request), Refused)

    def a_certificate_is_issued_once_for_a_key(self) -> None:
        """The same key gives the same certificate; another key another, whose id was never used."""
        with self._ticket() as ticket:
            self._record(self._dose(ticket))
            request, key = CertificateRequest(ticket, CertificateKind.DOMESTIC), _mark()
            first, second = (self.adapter.issue_certificate(request, key, self.context) for _ in range(2))
            expect(first == second, "another certificate")
            expect(self._issue(request).certificate_id != first.certificate_id, "the id is used again")

    # The whole

    def the_download_is_complete(self) -> None:
        """The download has every record once, as it was sent, and no personal number."""
        with self._registered() as target:
            ticket = target.ticket_number
            made = [self._record(self._dose(ticket, number)) for number in (1, 2, 3)]
            found = []
            for record in self.adapter.download(CallContext.batch()):
                expect(record.municipality_code == self.subjects.municipality_code, "another municipality's")
                if record.ticket_number == ticket:
                    found.append(record)
            expect(found == made, "others, or doubles")
            expect(target.personal_number.reveal() not in repr(found), "the personal number came down")

    def _may_write(self) -> None:
        if not self.subjects.may_write:
            raise NotApplicableError("it would leave a test ticket behind")

    def _unknown_ticket(self) -> str:
        """Return a ticket number that nobody has; it is not ours to write to any other."""
        for _ in range(_TRIALS):
            ticket = f"99{secrets.randbelow(10**8):08}"
            try:
                self._records(ticket)
            except NotFound:
                return ticket
        raise BrokenContractError("every ticket number that was drawn is known")

    def _target(self) -> VrsTarget:
        self._may_write()
        base = f"9000{secrets.randbelow(10**7):07}"
        return VrsTarget(
            municipality_code=self.subjects.municipality_code,
            atena_number=_atena_number(),
            ticket_number=self._unknown_ticket(),
            name="見本　適合試験　𠮷﨑髙子",
            date_of_birth_written="1970-01-00",
            sex=Sex.UNKNOWN,
            personal_number=PersonalNumber(base + personal_number_check_digit(base)),
            name_kana="ミホン　テキゴウシケン",
        )

    def _register(self, *targets: VrsTarget, key: str | None = None) -> tuple[RowOutcome, ...]:
        outcomes: tuple[RowOutcome, ...] = self.adapter.register_targets(
            targets, key or _mark(), CallContext.batch()
        )
        expect(len(outcomes) == len(targets), "not one outcome for each row")
        return outcomes

    @contextmanager
    def _registered(self) -> Iterator[VrsTarget]:
        target = self._target()
        (outcome,) = self._register(target)
        expect(outcome.taken, f"the code {outcome.code!r}")
        try:
            yield target
        finally:
            self._leave(target.ticket_number)

    @contextmanager
    def _ticket(self) -> Iterator[str]:
        with self._registered() as target:
            yield target.ticket_number

    def _leave(self, ticket: str) -> None:
        """Take away what can be; what fails here is another check's business."""
        with suppress(AdapterError):
            for record in self._records(ticket):
                self.adapter.delete_record(record.record_id, _mark(), self.context)
            self.adapter.set_flag(ticket, VrsFlag.MOVED_OUT, _mark(), self.context)

    @contextmanager
    def _something_recorded(self) -> Iterator[None]:
        """Make sure that the list is not empty, by doses of our own where that is allowed."""
        if self.subjects.may_write:
            with self._ticket() as ticket:
                for number in (2, 1, 4, 3):
                    self._record(self._dose(ticket, number))
                yield
        elif self.adapter.list_records(None, 1, self.context).items:
            yield
        else:
            raise NotApplicableError("nothing is recorded")

    def _walk(self, limit: int, enough: int) -> list[VrsRecord]:
        found: list[VrsRecord] = []
        cursor = None
        while len(found) < enough:
            page = self.adapter.list_records(cursor, limit, self.context)
            expect(len(page.items) <= limit, "more than the limit")
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
            expect(page.items, "an empty page before the last")
        return found[:enough]

    def _dose(self, ticket: str, number: int = 1) -> VrsRecord:
        return VrsRecord(
            municipality_code=self.subjects.municipality_code,
            ticket_number=ticket,
            dose_number=number,
            status=VaccinationStatus.DONE,
            given_on=date(2021, 6, 1) + timedelta(days=21 * number),
            manufacturer="ファイザー",
            lot_number="TEST0001",
            given_at="見本　適合試験　髙﨑𠮷会場",
            physician="見本　﨑𠮷髙志",
            vaccine="新型コロナワクチン",
            product_name="コミナティ筋注",
        )

    def _record(self, record: VrsRecord) -> VrsRecord:
        made: VrsRecord = self.adapter.register_record(record, _mark(), self.context)
        return made

    def _records(self, ticket: str) -> tuple[VrsRecord, ...]:
        found: tuple[VrsRecord, ...] = self.adapter.records(ticket, self.context)
        return found

    def _issue(self, request: CertificateRequest) -> IssuedCertificate:
        issued: IssuedCertificate = self.adapter.issue_certificate(request, _mark(), self.context)
        return issued

    def _expect_code(self, code: str, call: Any) -> None:
        error = expect_error(call, Refused)
        came = getattr(error, "code", "")
        expect(came == code, f"the code {came}")


def _mark() -> str:
    return f"conformance-{uuid4().hex[:20]}"


def _atena_number() -> str:
    return f"99{secrets.randbelow(10**13):013}"
