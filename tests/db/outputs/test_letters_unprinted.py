"""Letters whose file is wiped before anybody took it: nothing was printed, so nothing of it counts."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.db.outputs.conftest import Desk
from tests.db.outputs.test_letters import asked, attempt, became, child, make, tickets
from tests.details import events
from tests.doses import given
from tests.people import NOW
from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import LetterKind, LetterRunState, LetterState, OutputState, TicketState
from yvaxportal.models.letter import Letter, LetterRun
from yvaxportal.models.output import Output
from yvaxportal.models.ticket import Ticket
from yvaxportal.outputs.gate import refuse, wipe_now
from yvaxportal.outputs.handover import hand_over
from yvaxportal.outputs.wiping import wipe_expired
from yvaxportal.services.letters.book import counts_of
from yvaxportal.services.letters.reasons import Spoiled, Unprinted
from yvaxportal.services.letters.settling import SettleRefusedError, mark_sent
from yvaxportal.services.letters.settling import mark_spoiled as spoil
from yvaxportal.services.tickets.issuing import reissue


@pytest.fixture
def strict(desk: Desk) -> Desk:
    """Let every file wait for an approval."""
    desk.with_shop(approval_above=0)
    return desk


def refused(desk: Desk, run: LetterRun) -> None:
    assert run.output_id is not None
    refuse(
        desk.session,
        desk.audit,
        desk.shop.folder,
        output_id=run.output_id,
        reason="日付の誤り",
        staff_id=desk.manager,
        now=NOW,
    )
    desk.session.commit()
    desk.session.expire_all()


def wiped(desk: Desk, run: LetterRun) -> None:
    assert run.output_id is not None
    wipe_now(
        desk.session, desk.audit, desk.shop.folder, output_id=run.output_id, staff_id=desk.clerk, now=NOW
    )
    desk.session.commit()
    desk.session.expire_all()


def taken(desk: Desk, output: Output) -> None:
    _output, file = hand_over(
        desk.session,
        desk.audit,
        desk.shop.folder,
        output_id=output.id,
        staff_id=desk.clerk,
        loan_id=None,
        most=5,
        now=NOW,
    )
    file.close()
    desk.session.commit()


def test_a_refused_file_leaves_no_ticket_and_the_people_are_printed_anew(strict: Desk) -> None:
    desk = strict
    people = [child(desk), child(desk)]
    protected = child(desk, support_measure_flag=True)
    run = asked(desk, [*people, protected])
    output = attempt(desk, run)
    assert output.state is OutputState.AWAITING_APPROVAL
    numbers = {ticket.resident_id: ticket.ticket_number for ticket in tickets(desk)}
    assert len(numbers) == 2
    refused(desk, run)
    assert {(ticket.state, ticket.void_reason, ticket.voided_by) for ticket in tickets(desk)} == {
        (TicketState.VOID, Unprinted.REFUSED, desk.manager)
    }
    assert run.state is LetterRunState.CANCELLED
    counts = counts_of(desk.session, [run.id])[run.id]
    assert (counts.printed, counts.spoiled, counts.open, counts.held) == (2, 2, 0, 1)
    settled = events(desk.session, Action.LETTERS_SETTLED)[-1]
    assert settled.detail == {"act": "unprinted", "reason": "file_refused", "letters": 2, "tickets": 2}
    with pytest.raises(SettleRefusedError, match="not_made"):
        mark_sent(desk.session, desk.audit, run_id=run.id, first=1, last=1, staff_id=desk.clerk, now=NOW)
    desk.session.rollback()

    again = asked(desk, [], extraction_id=run.extraction_id)
    attempt(desk, again)
    assert {state for state, _reason in became(desk, again).values()} == {
        LetterState.PRINTED,
        LetterState.HELD,
    }
    standing = [ticket for ticket in tickets(desk) if ticket.state is TicketState.ISSUED]
    # No paper carries the numbers: they stay the people's.
    assert {ticket.resident_id: ticket.ticket_number for ticket in standing} == numbers


def test_a_number_from_a_dose_stays_although_its_ticket_was_never_printed(strict: Desk) -> None:
    desk = strict
    person = child(desk)
    dose = next(given(person, ("mr", 1, "2021-07-01")))
    dose.municipality_code, dose.ticket_number = "312029", "0000000041"
    desk.session.add(dose)
    run = asked(desk, [person])
    attempt(desk, run)
    refused(desk, run)
    again = asked(desk, [person])
    attempt(desk, again)
    assert [ticket.ticket_number for ticket in tickets(desk)] == ["0000000041", "0000000041"]


@pytest.mark.parametrize("way", ["by hand", "expired"])
def test_a_file_that_nobody_took_was_never_printed(desk: Desk, way: str) -> None:
    run = asked(desk, [child(desk)])
    output = attempt(desk, run)
    assert output.expires_at is not None
    if way == "by hand":
        wiped(desk, run)
    else:
        moment = output.expires_at + timedelta(seconds=1)
        assert wipe_expired(desk.shop.engine, desk.shop.folder, desk.shop.temporary, moment) == 1
        desk.session.rollback()
        desk.session.expire_all()
    (ticket,) = tickets(desk)
    by = desk.clerk if way == "by hand" else None
    assert (ticket.state, ticket.void_reason, ticket.voided_by) == (TicketState.VOID, Unprinted.NOT_TAKEN, by)
    assert run.state is LetterRunState.CANCELLED


@pytest.mark.parametrize("way", ["by hand", "expired"])
def test_what_was_taken_stands(desk: Desk, way: str) -> None:
    run = asked(desk, [child(desk)])
    output = attempt(desk, run)
    taken(desk, output)
    assert output.expires_at is not None
    if way == "by hand":
        wiped(desk, run)
    else:
        moment = output.expires_at + timedelta(seconds=1)
        assert wipe_expired(desk.shop.engine, desk.shop.folder, desk.shop.temporary, moment) == 1
        desk.session.rollback()
        desk.session.expire_all()
    (ticket,) = tickets(desk)
    assert ticket.state is TicketState.ISSUED
    assert run.state is LetterRunState.MADE


def test_a_ticket_that_was_used_meanwhile_is_not_touched(strict: Desk) -> None:
    desk = strict
    run = asked(desk, [child(desk)])
    attempt(desk, run)
    (ticket,) = tickets(desk)
    ticket.state = TicketState.USED
    desk.session.commit()
    refused(desk, run)
    assert [one.state for one in tickets(desk)] == [TicketState.USED]


def test_a_reissued_ticket_stands_when_its_print_is_refused(desk: Desk) -> None:
    person = child(desk)
    make(desk, asked(desk, [person]))
    (old,) = tickets(desk)
    new = reissue(
        desk.session,
        desk.audit,
        resident_id=person.id,
        ticket_id=old.id,
        reason="紛失",
        staff_id=desk.clerk,
        today=date(2026, 11, 29),
        now=NOW,
    )
    desk.session.commit()
    desk.with_shop(approval_above=0)
    run = asked(desk, [], options={"ticket": new.id})
    attempt(desk, run)
    refused(desk, run)
    assert new.state is TicketState.ISSUED


def test_spoiled_paper_whose_second_print_is_refused_keeps_its_ticket(desk: Desk) -> None:
    run = asked(desk, [child(desk)])
    make(desk, run)
    said: dict[str, Any] = {"detail": "", "staff_id": desk.clerk, "now": NOW}
    spoil(desk.session, desk.audit, run_id=run.id, first=1, last=1, reason=Spoiled.MISPRINT, **said)
    desk.session.commit()
    desk.with_shop(approval_above=0)
    supplement = asked(desk, [], supplement_of=run.id)
    attempt(desk, supplement)
    refused(desk, supplement)
    assert [ticket.state for ticket in tickets(desk)] == [TicketState.ISSUED]
    again = asked(desk, [], supplement_of=run.id)
    attempt(desk, again)
    (letter,) = desk.session.scalars(select(Letter).where(Letter.run_id == again.id))
    assert (letter.state, letter.ticket_id) == (LetterState.PRINTED, tickets(desk)[0].id)


def test_a_refused_list_touches_no_letter(strict: Desk) -> None:
    desk = strict
    run = asked(desk, [child(desk)])
    attempt(desk, run)
    other = desk.made({"extraction": run.extraction_id})
    refuse(
        desk.session,
        desk.audit,
        desk.shop.folder,
        output_id=other.id,
        reason="不要",
        staff_id=desk.manager,
        now=NOW,
    )
    desk.session.commit()
    assert [ticket.state for ticket in tickets(desk)] == [TicketState.ISSUED]
    assert desk.session.scalars(select(Letter.state)).all() == [LetterState.PRINTED]


def test_invitations_have_no_ticket_and_are_closed_likewise(strict: Desk) -> None:
    desk = strict
    run = asked(desk, [child(desk)], LetterKind.INVITATION)
    attempt(desk, run)
    refused(desk, run)
    assert run.state is LetterRunState.CANCELLED
    assert desk.session.scalars(select(Ticket)).all() == []
    assert counts_of(desk.session, [run.id])[run.id].open == 0
