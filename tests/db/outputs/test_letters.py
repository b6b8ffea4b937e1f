"""A run of letters from the request to the file: who is printed, held and dropped, and that counts agree."""

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.db.outputs.conftest import Desk
from tests.doses import given
from tests.leaving import content_of, extraction
from tests.people import NOW, resident
from tests.press import OPTIONS, PRINTED_FOR, Parcel, press
from yvaxportal.models.codes import (
    LetterKind,
    LetterRunState,
    LetterState,
    OutputState,
    ResidentCategory,
    TicketState,
)
from yvaxportal.models.extraction import ExtractionMember
from yvaxportal.models.letter import Letter, LetterRun
from yvaxportal.models.output import Output
from yvaxportal.models.resident import Resident
from yvaxportal.models.ticket import Ticket
from yvaxportal.outputs.archive import write_archive
from yvaxportal.outputs.letter_requests import request_letters
from yvaxportal.services.letters.book import counts_of
from yvaxportal.services.letters.reasons import Dropped, Held, Spoiled
from yvaxportal.services.letters.runs import RunRefusedError, letters_of
from yvaxportal.services.letters.settling import SettleRefusedError, mark_sent, mark_spoiled, release
from yvaxportal.services.tickets.issuing import reissue

TSUCHI_YOSHI = "\U00020bb7"  # in IPAmj Mincho
TAITO = "\U0003106c"  # 84 strokes: in no font of the register
IVS = "\u8fbb\U000e0102"  # a variation that IPAmj Mincho has
NO_IVS = "\u8fbb\U000e0100"  # one that it does not have


def child(desk: Desk, name: str = "見本　花子", **said: Any) -> Resident:
    contact = {"postal_code": "6830001", "current_address": "鳥取県見本市東町1番地"} | said.pop("contact", {})
    return resident(desk.session, name=name, born=said.pop("born", "2020-06-01"), contact=contact, **said)


def asked(
    desk: Desk,
    people: Sequence[Resident],
    kind: LetterKind = LetterKind.TICKET,
    *,
    now: datetime = NOW,
    **said: Any,
) -> LetterRun:
    """Ask for a run about a new list of these people, who are invited to the second dose of MR."""
    extraction_id = said.pop("extraction_id", None)
    if extraction_id is None and "supplement_of" not in said and "ticket" not in said.get("options", {}):
        extraction_id = extraction(desk.session, list(people), staff_id=desk.clerk)
        for member in desk.session.scalars(
            select(ExtractionMember).where(ExtractionMember.extraction_id == extraction_id)
        ):
            member.dose_number = 2
    run = request_letters(
        desk.session,
        desk.audit,
        kind=kind,
        title=said.pop("title", "麻しん風しん混合（第２期）予防接種のお知らせ"),
        purpose="接種対象者への個別通知",
        programme=said.pop("programme", "mr2"),
        printed_for=said.pop("printed_for", PRINTED_FOR),
        options={**OPTIONS, **said.pop("options", {})},
        staff_id=desk.clerk,
        now=now,
        extraction_id=extraction_id,
        **said,
    )
    desk.session.commit()
    return run


def make(desk: Desk, run: LetterRun, **other: Any) -> Parcel:
    """Let the run's file be made, and open it."""
    output = attempt(desk, run, **other)
    assert (output.problem, output.problem_detail) == (None, None)
    _name, content = content_of(desk.archive(output.id), desk.password(output.id))
    return Parcel.of(content)


def attempt(desk: Desk, run: LetterRun, **other: Any) -> Output:
    desk.with_shop(press=other.pop("press", press()), **other)
    desk.shop.run()
    desk.session.expire_all()
    assert run.output_id is not None
    return desk.row(run.output_id)


def became(desk: Desk, run: LetterRun) -> dict[int, tuple[LetterState, str | None]]:
    rows = desk.session.execute(
        select(Letter.resident_id, Letter.state, Letter.reason).where(Letter.run_id == run.id)
    )
    return {person: (state, reason) for person, state, reason in rows}


def tickets(desk: Desk) -> list[Ticket]:
    return list(desk.session.scalars(select(Ticket).order_by(Ticket.id)))


def test_everybody_is_printed_held_or_dropped_and_the_counts_agree(desk: Desk) -> None:
    good = child(desk)
    dead = child(desk, resident_category=ResidentCategory.DECEASED, ceased_resident_on=date(2026, 11, 1))
    left = child(desk, resident_category=ResidentCategory.MOVED_OUT, ceased_resident_on=date(2026, 11, 1))
    protected = child(desk, support_measure_flag=True)
    nowhere = child(desk, contact={"current_address": None})
    rare = child(desk, name=f"見本　{TAITO}子")
    long = child(desk, name="見本" * 60)
    run = asked(desk, [good, dead, left, protected, nowhere, rare, long])
    parcel = make(desk, run)
    assert became(desk, run) == {
        good.id: (LetterState.PRINTED, None),
        dead.id: (LetterState.DROPPED, Dropped.DECEASED),
        left.id: (LetterState.DROPPED, Dropped.MOVED_OUT),
        protected.id: (LetterState.HELD, Held.SUPPORT_MEASURE),
        nowhere.id: (LetterState.HELD, Held.NO_ADDRESS),
        rare.id: (LetterState.HELD, Held.CHARACTERS),
        long.id: (LetterState.HELD, Held.OVERFLOW),
    }
    counts = counts_of(desk.session, [run.id])[run.id]
    assert (counts.extracted, counts.printed, counts.held, counts.dropped) == (7, 1, 4, 2)
    assert {name: parcel.counts[name] for name in ("extracted", "printed", "held", "dropped")} == {
        "extracted": 7,
        "printed": 1,
        "held": 4,
        "dropped": 2,
    }
    assert run.state is LetterRunState.MADE
    assert (run.data_sha256, run.template_sha256) == (parcel.counts["data_sha256"], press().templates.sha256)
    details = {row.resident_id: row.detail for row in letters_of(desk.session, run.id, [LetterState.HELD])}
    assert details[rare.id] == "U+3106C"
    assert "name" in (details[long.id] or "")
    output = desk.row(run.output_id or 0)
    assert output.people == 1


def test_the_pile_is_in_the_order_of_delivery_with_fixed_numbers(desk: Desk) -> None:
    third = child(desk, contact={"postal_code": "6830002", "current_address": "見本市い町1"})
    first = child(desk, contact={"postal_code": "6830001", "current_address": "見本市あ町1"})
    second = child(desk, contact={"postal_code": "6830001", "current_address": "見本市あ町2"})
    last = child(desk, contact={"postal_code": None, "current_address": "見本市う町1"})
    run = asked(desk, [third, last, second, first])
    parcel = make(desk, run, press=replaced(bundle_size=3))
    assert [row[:5] for row in parcel.rows[1:]] == [
        ["1", "1", "1", "683-0001", first.atena_number],
        ["2", "1", "1", "683-0001", second.atena_number],
        ["3", "1", "1", "683-0002", third.atena_number],
        ["4", "2", "1", "", last.atena_number],
    ]
    pages = list(parcel.pages())
    assert len(pages) == 4
    for page, person in zip(pages, (first, second, third, last), strict=True):
        assert person.name.replace("　", "") in page
    assert "1/2" in next(iter(parcel.pages("manifest.pdf")))


def replaced(**other: Any) -> Any:
    """Return the press with other settings."""
    return replace(press(), **other)


def test_one_pdf_for_each_bundle_when_asked(desk: Desk) -> None:
    run = asked(desk, [child(desk) for _ in range(3)], options={"files": "bundles"})
    parcel = make(desk, run, press=replaced(bundle_size=2))
    assert [len(list(parcel.pages(f"letters_000{n}.pdf"))) for n in (1, 2)] == [2, 1]


def test_a_ticket_has_the_number_of_the_person_and_its_line(desk: Desk) -> None:
    known, fresh = child(desk), child(desk)
    dose = next(given(known, ("mr", 1, "2021-07-01")))
    dose.municipality_code, dose.ticket_number = "312029", "0000000041"
    desk.session.add(dose)
    parcel = make(desk, asked(desk, [known, fresh]))
    by_person = {ticket.resident_id: ticket for ticket in tickets(desk)}
    assert by_person[known.id].ticket_number == "0000000041"
    assert by_person[fresh.id].ticket_number == "0000000042"
    assert by_person[fresh.id].programme == "mr2"
    pages = "".join(parcel.pages())
    assert "223120290000000041" in pages
    assert "223120290000000042" in pages


def test_a_number_stays_with_the_person_and_an_old_ticket_gives_way_to_the_new_season(desk: Desk) -> None:
    person = child(desk, born="1950-01-01")
    make(desk, asked(desk, [person], programme="influenza", printed_for=date(2025, 10, 1)))
    make(desk, asked(desk, [person], programme="influenza", printed_for=date(2026, 10, 1)))
    old, new = tickets(desk)
    assert old.ticket_number == new.ticket_number
    assert (old.state, old.void_reason, new.state) == (TicketState.VOID, "new_season", TicketState.ISSUED)


def test_nobody_gets_two_tickets_for_one_dose(desk: Desk) -> None:
    person, other = child(desk), child(desk)
    make(desk, asked(desk, [person]))
    run = asked(desk, [person, other])
    make(desk, run)
    assert became(desk, run)[person.id] == (LetterState.HELD, Held.TICKET_EXISTS)
    assert len(tickets(desk)) == 2


def test_a_reissue_voids_the_earlier_ticket_and_has_another_number(desk: Desk) -> None:
    person = child(desk)
    make(desk, asked(desk, [person]))
    (old,) = tickets(desk)
    new = reissue(
        desk.session,
        desk.audit,
        resident_id=person.id,
        ticket_id=old.id,
        reason="紛失",
        staff_id=desk.manager,
        today=PRINTED_FOR,
        now=NOW,
    )
    desk.session.commit()
    assert (old.state, old.void_reason, old.voided_by) == (TicketState.VOID, "紛失", desk.manager)
    assert (new.state, new.replaces_id, new.dose_number) == (TicketState.ISSUED, old.id, 2)
    assert new.ticket_number != old.ticket_number
    parcel = make(desk, asked(desk, [], options={"ticket": new.id}))
    assert f"22312029{new.ticket_number}" in "".join(parcel.pages())
    assert len(tickets(desk)) == 2
    later = asked(desk, [person], printed_for=date(2027, 5, 1))
    make(desk, later)
    assert tickets(desk)[-1].ticket_number == new.ticket_number


def test_a_protected_person_is_printed_after_another_person_released_it(desk: Desk) -> None:
    person = child(
        desk,
        support_measure_flag=True,
        contact={"has_mailing_address": True, "mailing_address": "〒690-0001 島根県見本市支援町9"},
    )
    run = asked(desk, [person, child(desk)])
    make(desk, run)
    said: dict[str, Any] = {"run_id": run.id, "resident_id": person.id, "reason": "本人の申出", "now": NOW}
    with pytest.raises(SettleRefusedError, match="own"):
        release(desk.session, desk.audit, staff_id=desk.clerk, **said)
    with pytest.raises(RunRefusedError, match="nobody"):
        asked(desk, [], supplement_of=run.id)
    desk.session.rollback()
    release(desk.session, desk.audit, staff_id=desk.manager, **said)
    supplement = asked(desk, [], supplement_of=run.id)
    page = "".join(make(desk, supplement).pages())
    assert "〒690-0001島根県見本市支援町9" in page
    assert "東町1番地" not in page
    assert became(desk, supplement) == {person.id: (LetterState.PRINTED, None)}
    assert {ticket.dose_number for ticket in tickets(desk)} == {2}


def test_spoiled_paper_is_printed_again_with_the_same_ticket(desk: Desk) -> None:
    run = asked(desk, [child(desk), child(desk)])
    make(desk, run)
    mark_spoiled(
        desk.session,
        desk.audit,
        run_id=run.id,
        first=2,
        last=2,
        reason=Spoiled.DAMAGED,
        detail="紙詰まり",
        staff_id=desk.clerk,
        now=NOW,
    )
    mark_sent(desk.session, desk.audit, run_id=run.id, first=1, last=2, staff_id=desk.clerk, now=NOW)
    counts = counts_of(desk.session, [run.id])[run.id]
    assert (counts.printed, counts.sent, counts.spoiled, counts.open) == (2, 1, 1, 0)
    assert run.state is LetterRunState.SENT
    supplement = asked(desk, [], supplement_of=run.id)
    make(desk, supplement)
    assert len(tickets(desk)) == 2
    (letter,) = desk.session.scalars(select(Letter).where(Letter.run_id == supplement.id))
    assert letter.ticket_id in {ticket.id for ticket in tickets(desk)}


def test_a_withdrawn_letter_takes_its_ticket_along(desk: Desk) -> None:
    run = asked(desk, [child(desk)])
    make(desk, run)
    mark_spoiled(
        desk.session,
        desk.audit,
        run_id=run.id,
        first=1,
        last=1,
        reason=Spoiled.WITHDRAWN,
        detail="",
        staff_id=desk.clerk,
        now=NOW,
    )
    desk.session.commit()
    desk.session.expire_all()
    assert [ticket.state for ticket in tickets(desk)] == [TicketState.VOID]


@pytest.mark.parametrize(("first", "last", "rule"), [(0, 1, "range"), (1, 3, "range"), (2, 1, "range")])
def test_only_letters_of_the_pile_can_be_sent(desk: Desk, first: int, last: int, rule: str) -> None:
    run = asked(desk, [child(desk), child(desk)])
    make(desk, run)
    with pytest.raises(SettleRefusedError, match=rule):
        mark_sent(
            desk.session, desk.audit, run_id=run.id, first=first, last=last, staff_id=desk.clerk, now=NOW
        )


def test_a_reminder_goes_to_who_still_lacks_the_dose(desk: Desk) -> None:
    came, came_late, waits = child(desk), child(desk), child(desk)
    desk.session.add_all(
        [
            *given(came, ("mr", 1, "2021-07-01"), ("mr", 2, "2026-11-25")),
            *given(came_late, ("mr", 1, "2021-07-01"), ("mr", 2, "2026-12-25")),
            *given(waits, ("mr", 1, "2021-07-01")),
        ]
    )
    run = asked(desk, [came, came_late, waits], LetterKind.REMINDER)
    parcel = make(desk, run)
    assert became(desk, run) == {
        came.id: (LetterState.DROPPED, Dropped.DOSE_ON_RECORD),
        came_late.id: (LetterState.PRINTED, None),
        waits.id: (LetterState.PRINTED, None),
    }
    assert len(list(parcel.pages())) == 4


def test_a_certificate_lists_the_doses_and_nobody_without_one_gets_it(desk: Desk) -> None:
    done, none = child(desk), child(desk)
    doses = list(given(done, ("mr", 1, "2021-07-01"), ("mr", 2, "2026-05-20")))
    doses[1].lot_number, doses[1].medical_institution_name = "Y512", "見本小児科"
    desk.session.add_all(doses)
    run = asked(desk, [done, none], LetterKind.RECORD_CERTIFICATE)
    (page,) = make(desk, run).pages()
    assert "令和8年5月20日" in page
    assert "Y512" in page
    assert "見本小児科" in page
    assert became(desk, run)[none.id] == (LetterState.HELD, Held.NO_DOSE)


def test_names_are_printed_exactly_as_received(desk: Desk) -> None:
    names = [f"{TSUCHI_YOSHI}田　一", f"{IVS}　花子", "髙橋　﨑子"]
    people = [child(desk, name=name) for name in names]
    run = asked(desk, people)
    text = "".join(make(desk, run).pages())
    assert all(state is LetterState.PRINTED for state, _reason in became(desk, run).values())
    assert f"{TSUCHI_YOSHI}田一" in text
    assert "髙橋﨑子" in text


def test_a_variation_that_the_font_lacks_is_held_as_such(desk: Desk) -> None:
    person = child(desk, name=f"{NO_IVS}　花子")
    private = child(desk, name="見本　\ue000子")
    run = asked(desk, [person, private, child(desk)])
    make(desk, run)
    details = {row.resident_id: row.detail for row in letters_of(desk.session, run.id, [LetterState.HELD])}
    assert details == {person.id: "U+8FBB U+E0100", private.id: "U+E000"}


def test_a_cancelled_run_leaves_nothing(desk: Desk) -> None:
    run = asked(desk, [child(desk) for _ in range(3)])
    output = desk.row(run.output_id or 0)
    output.cancel_requested = True
    desk.session.commit()
    assert attempt(desk, run, press=replaced(bundle_size=1)).state is OutputState.CANCELLED
    assert (became(desk, run), tickets(desk)) == ({}, [])
    assert desk.session.get_one(LetterRun, run.id).state is LetterRunState.QUEUED


def test_a_ticket_issued_meanwhile_fails_the_run_as_a_whole_and_a_second_attempt_makes_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, other = child(desk), child(desk)
    run = asked(desk, [person])

    def meanwhile(*args: Any, **said: Any) -> Any:
        desk.session.add(
            Ticket(
                resident_id=other.id,
                vaccine="mr",
                ticket_kind="2",
                dose_number=1,
                municipality_code="312029",
                ticket_number="0000000001",
                issued_on=PRINTED_FOR,
                state=TicketState.ISSUED,
            )
        )
        desk.session.commit()
        monkeypatch.undo()
        return write_archive(*args, **said)

    monkeypatch.setattr("yvaxportal.outputs.workshop.write_archive", meanwhile)
    output = attempt(desk, run)
    assert (output.state, output.problem) == (OutputState.FAILED, "numbers_changed")
    assert became(desk, run) == {}
    assert len(tickets(desk)) == 1
    output.state, output.attempts = OutputState.QUEUED, 0
    desk.session.commit()
    make(desk, run)
    assert [ticket.ticket_number for ticket in tickets(desk)] == ["0000000001", "0000000002"]


def test_what_is_missing_is_named(desk: Desk) -> None:
    run = asked(desk, [child(desk)])
    output = attempt(desk, run, press=replaced(office=replace(press().office, phone="")))
    assert output.problem == "sender"
    assert output.problem_detail == {"settings": ["yvaxportal.documents.office_phone"]}


def test_a_note_that_does_not_fit_fails_the_run_and_names_the_field(desk: Desk) -> None:
    run = asked(desk, [child(desk)], options={"note": "長い文章です。" * 200})
    output = attempt(desk, run)
    assert (output.problem, output.problem_detail) == ("form_overflow", {"fields": ["note"]})


def test_the_file_is_a_pdf_that_others_read(desk: Desk, tmp_path: Path) -> None:
    run = asked(desk, [child(desk) for _ in range(5)])
    parcel = make(desk, run, press=replaced(bundle_size=2))
    path = tmp_path / "letters.pdf"
    path.write_bytes(parcel.files["letters.pdf"])
    told = subprocess.run(["pdffonts", path], capture_output=True, text=True, check=True)
    fonts = told.stdout.splitlines()[2:]
    assert fonts
    assert all(line.split()[-5:-2] == ["yes", "yes", "yes"] for line in fonts)
    assert any("IPAmj" in line for line in fonts)
    assert any("OCRB" in line for line in fonts)


def test_a_run_that_took_long_ago_data_is_of_today(desk: Desk) -> None:
    person = child(desk)
    run = asked(desk, [person], now=NOW - timedelta(days=3))
    person.name = "見本　改姓"
    desk.session.commit()
    assert "見本改姓" in "".join(make(desk, run).pages())
