"""The gate: who may let a file out, and that it is exactly the file that was looked at."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tests.db.outputs.conftest import Desk
from tests.details import events
from tests.leaving import content_of, extraction, people, table_of
from tests.people import NOW
from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import Outcome, OutputState
from yvaxportal.models.output import Output, OutputDownload, OutputPerson
from yvaxportal.outputs.gate import (
    OutputRefusedError,
    approve,
    cancel,
    refuse,
    request_output,
    try_again,
    wipe_now,
)
from yvaxportal.outputs.handover import hand_over, show_password
from yvaxportal.outputs.store import FileChangedError
from yvaxportal.outputs.wiping import wipe_expired
from yvaxportal.vault.keyring import KeyRing


def a_list(desk: Desk, count: int = 3) -> dict[str, int]:
    return {"extraction": extraction(desk.session, people(desk.session, count), staff_id=desk.clerk)}


def taken(
    desk: Desk, output: Output, *, staff_id: int | None = None, most: int = 5, loan: int | None = None
) -> bytes:
    _row, file = hand_over(
        desk.session,
        desk.audit,
        desk.shop.folder,
        output_id=output.id,
        loan_id=loan,
        staff_id=staff_id or desk.clerk,
        most=most,
        now=NOW,
    )
    desk.session.commit()
    with file:
        return file.read()


def decided(desk: Desk, output: Output, *, staff_id: int, sha256: str | None = None) -> None:
    approve(
        desk.session,
        desk.audit,
        desk.shop.folder,
        output_id=output.id,
        sha256=sha256 or output.archive_sha256 or "",
        staff_id=staff_id,
        now=NOW,
    )
    desk.session.commit()


def test_a_small_list_is_made_taken_and_on_record(desk: Desk) -> None:
    output = desk.made(a_list(desk))
    assert output.state is OutputState.READY
    assert (output.people, output.approval_needed, output.done, output.total) == (3, False, 3, 3)
    assert output.expires_at == NOW + timedelta(days=7)
    assert desk.session.scalar(select(func.count()).select_from(OutputPerson)) == 3
    archive = taken(desk, output)
    assert "見本".encode() not in archive
    assert "加茂町".encode() not in archive
    name, content = content_of(archive, desk.password(output.id))
    assert name == f"target_list_20261123_{output.id}.csv"
    assert [row[2] for row in table_of(content)] == ["氏名", "見本　人2", "見本　人1", "見本　人0"]
    assert [event.action for event in events(desk.session, Action.OUTPUT_MADE)] == ["output.made"]
    (download,) = desk.session.scalars(select(OutputDownload))
    assert (download.downloaded_by, download.downloaded_at) == (desk.clerk, NOW)
    (event,) = events(desk.session, Action.OUTPUT_DOWNLOADED)
    assert event.detail["sha256"] == output.archive_sha256
    assert event.purpose == "個別通知"


@pytest.mark.parametrize(("count", "state"), [(1000, "ready"), (1001, "awaiting_approval")])
def test_a_thousand_and_one_wait_for_the_manager(desk: Desk, count: int, state: str) -> None:
    output = desk.made(a_list(desk, count))
    assert (output.people, output.state) == (count, state)
    if state == "ready":
        return
    with pytest.raises(OutputRefusedError, match="gone"):
        taken(desk, output)
    with pytest.raises(OutputRefusedError, match="gone"):
        desk.password(output.id)
    desk.session.rollback()
    decided(desk, output, staff_id=desk.manager)
    assert desk.row(output.id).approved_sha256 == output.archive_sha256
    _name, content = content_of(taken(desk, output), desk.password(output.id))
    assert len(table_of(content)) == 1002


def test_a_large_list_does_not_leave_as_several_small_ones(desk: Desk) -> None:
    desk.with_shop(approval_above=5)
    first = a_list(desk)
    assert desk.made(first).state is OutputState.READY
    # The same people once more are not more people.
    assert desk.made(first, "target_list_xlsx").state is OutputState.READY
    second = a_list(desk)
    assert desk.made(second).state is OutputState.AWAITING_APPROVAL
    later = NOW + timedelta(hours=24)
    desk.with_shop(clock=lambda: later)
    assert desk.made(second).state is OutputState.READY


def test_everything_waits_when_the_settings_say_so(desk: Desk) -> None:
    desk.with_shop(approval_above=0)
    assert desk.made(a_list(desk, 1)).state is OutputState.AWAITING_APPROVAL


def test_nobody_decides_on_their_own(desk: Desk) -> None:
    desk.with_shop(approval_above=0)
    output = desk.made(a_list(desk))
    with pytest.raises(OutputRefusedError, match="own"):
        decided(desk, output, staff_id=desk.clerk)
    with pytest.raises(OutputRefusedError, match="own"):
        refuse(
            desk.session,
            desk.audit,
            desk.shop.folder,
            output_id=output.id,
            reason="不要",
            staff_id=desk.clerk,
            now=NOW,
        )
    assert desk.row(output.id).state is OutputState.AWAITING_APPROVAL


def test_another_file_than_the_one_shown_is_not_approved(desk: Desk) -> None:
    desk.with_shop(approval_above=0)
    output = desk.made(a_list(desk))
    with pytest.raises(OutputRefusedError, match="stale"):
        decided(desk, output, staff_id=desk.manager, sha256="0" * 64)


@pytest.mark.parametrize("how", ["changed", "missing"])
def test_a_changed_file_is_neither_approved_nor_handed_over(desk: Desk, how: str) -> None:
    desk.with_shop(approval_above=0)
    output = desk.made(a_list(desk))
    path = desk.archive(output.id)
    whole = path.read_bytes()

    def tamper() -> None:
        if how == "changed":
            path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        else:
            path.unlink()

    tamper()
    with pytest.raises(FileChangedError):
        decided(desk, output, staff_id=desk.manager)
    desk.session.rollback()
    assert desk.row(output.id).state is OutputState.AWAITING_APPROVAL
    path.write_bytes(whole)
    decided(desk, output, staff_id=desk.manager)
    tamper()
    with pytest.raises(FileChangedError):
        taken(desk, output)
    desk.session.rollback()
    assert desk.session.scalar(select(func.count()).select_from(OutputDownload)) == 0
    for action in (Action.OUTPUT_APPROVED, Action.OUTPUT_DOWNLOADED):
        assert [
            e.detail["problem"] for e in events(desk.session, action) if e.outcome is Outcome.REFUSED
        ] == ["changed"]


def test_a_refusal_needs_a_reason_and_wipes_the_file(desk: Desk) -> None:
    desk.with_shop(approval_above=0)
    output = desk.made(a_list(desk))

    def say(reason: str) -> None:
        refuse(
            desk.session,
            desk.audit,
            desk.shop.folder,
            output_id=output.id,
            reason=reason,
            staff_id=desk.manager,
            now=NOW,
        )

    with pytest.raises(OutputRefusedError, match="reason"):
        say("  ")
    say("目的が不明です")
    desk.session.commit()
    refused = desk.row(output.id)
    assert (refused.state, refused.decision_reason, refused.sealed_password) == (
        OutputState.REFUSED,
        "目的が不明です",
        None,
    )
    assert refused.wiped_at == NOW
    assert not desk.archive(output.id).exists()
    with pytest.raises(OutputRefusedError, match="gone"):
        decided(desk, output, staff_id=desk.manager)


def test_only_the_requester_is_given_file_and_password(desk: Desk) -> None:
    output = desk.made(a_list(desk))
    with pytest.raises(OutputRefusedError, match="other"):
        taken(desk, output, staff_id=desk.manager)
    with pytest.raises(OutputRefusedError, match="other"):
        show_password(
            desk.session,
            desk.audit,
            desk.shop.key_ring,
            output_id=output.id,
            staff_id=desk.manager,
            now=NOW,
        )
    for deed in (cancel, try_again):
        with pytest.raises(OutputRefusedError, match="other"):
            deed(desk.session, desk.audit, output_id=output.id, staff_id=desk.manager, now=NOW)


def test_the_password_is_shown_once_and_then_nowhere(desk: Desk) -> None:
    output = desk.made(a_list(desk))
    sealed = output.sealed_password or b""
    password = desk.password(output.id)
    assert password.encode() not in sealed
    assert desk.row(output.id).sealed_password is None
    with pytest.raises(OutputRefusedError, match="shown"):
        desk.password(output.id)
    assert len(events(desk.session, Action.OUTPUT_PASSWORD_SHOWN)) == 1


def test_a_password_whose_key_is_gone_says_so(desk: Desk) -> None:
    output = desk.made(a_list(desk))
    desk.with_shop(key_ring=KeyRing.with_new_key())
    with pytest.raises(OutputRefusedError, match="sealed"):
        desk.password(output.id)


def test_a_file_is_handed_over_so_often_and_no_more(desk: Desk) -> None:
    output = desk.made(a_list(desk))
    taken(desk, output, most=2)
    taken(desk, output, most=2)
    with pytest.raises(OutputRefusedError, match="often"):
        taken(desk, output, most=2)


def test_after_its_term_a_file_is_gone_and_the_register_says_so(desk: Desk) -> None:
    output = desk.made(a_list(desk))
    shop, end = desk.shop, output.expires_at
    assert end is not None
    assert wipe_expired(shop.engine, shop.folder, shop.temporary, end - timedelta(seconds=1)) == 0
    assert desk.archive(output.id).exists()
    assert wipe_expired(shop.engine, shop.folder, shop.temporary, end) == 1
    assert not desk.archive(output.id).exists()
    gone = desk.row(output.id)
    assert (gone.state, gone.wiped_at, gone.wipe_reason) == (OutputState.WIPED, end, "expired")
    assert gone.sealed_password is None
    # Who was in it stays known.
    assert desk.session.scalar(select(func.count()).select_from(OutputPerson)) == 3
    assert len(events(desk.session, Action.OUTPUT_WIPED)) == 1
    assert wipe_expired(shop.engine, shop.folder, shop.temporary, end) == 0


def test_nothing_is_handed_over_between_its_term_and_the_wiping(desk: Desk) -> None:
    output = desk.made(a_list(desk))
    end = output.expires_at
    assert end is not None
    with pytest.raises(OutputRefusedError, match="gone"):
        hand_over(
            desk.session,
            desk.audit,
            desk.shop.folder,
            output_id=output.id,
            loan_id=None,
            staff_id=desk.clerk,
            most=5,
            now=end,
        )


def test_the_requester_wipes_it_at_any_time(desk: Desk) -> None:
    output = desk.made(a_list(desk))

    def wiped(staff_id: int) -> None:
        wipe_now(desk.session, desk.audit, desk.shop.folder, output_id=output.id, staff_id=staff_id, now=NOW)
        desk.session.commit()

    with pytest.raises(OutputRefusedError, match="other"):
        wiped(desk.manager)
    desk.session.rollback()
    wiped(desk.clerk)
    assert desk.row(output.id).wipe_reason == "by_hand"
    assert not desk.archive(output.id).exists()
    with pytest.raises(OutputRefusedError, match="gone"):
        wiped(desk.clerk)


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"purpose": " "}, "purpose"),
        ({"purpose": "番号 1234 5678 9018 の人"}, "purpose"),
        ({"title": ""}, "title"),
    ],
)
def test_a_file_needs_a_purpose_without_a_personal_number(
    desk: Desk, said: dict[str, str], rule: str
) -> None:
    words = {"title": "見本", "purpose": "個別通知"} | said
    with pytest.raises(OutputRefusedError, match=rule):
        request_output(
            desk.session,
            desk.audit,
            layout="target_list",
            subject={},
            staff_id=desk.clerk,
            now=NOW,
            **words,
        )


def test_a_subject_holds_ids_only(desk: Desk) -> None:
    with pytest.raises(ValueError, match="ids and codes"):
        desk.ask({"name": "見本　太郎"})
