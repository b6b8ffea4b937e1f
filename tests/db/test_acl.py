from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from yvaxportal.audit.trail import Actor, AuditTrail
from yvaxportal.models.audit import AuditEvent
from yvaxportal.models.staff import AclProposal, AclVersion, GroupMembership, StaffAccount, StaffSession
from yvaxportal.security.groups import default_groups
from yvaxportal.security.permissions import NEEDS_SECOND_PERSON
from yvaxportal.services.accounts import (
    change_account,
    list_accounts,
    reset_password,
    reset_second_factor,
    revoke_account,
)
from yvaxportal.services.acl import (
    AclChangedError,
    AclRefusedError,
    MatrixChange,
    add_membership,
    belongs,
    decide,
    end_membership,
    matrix,
    pending,
    save_matrix,
)
from yvaxportal.services.bootstrap import create_account, ensure_groups
from yvaxportal.services.passwords import verify_password
from yvaxportal.services.sessions import begin_session
from yvaxportal.vault.keyring import KeyRing

NOW = datetime(2026, 11, 23, tzinfo=UTC)
TODAY = date(2026, 11, 23)
GUARDED = frozenset(str(permission) for permission in NEEDS_SECOND_PERSON)
READ = "personal-number:read"
KEYS = KeyRing.with_new_key()
WHEN: dict[str, Any] = {"today": TODAY, "now": NOW}


@pytest.fixture
def people(db: Session) -> dict[str, int]:
    ensure_groups(db, default_groups())
    groups = {"admin": "administrator", "admin2": "administrator", "number": "number", "viewer": "viewer"}
    return {
        login: create_account(
            db,
            KEYS,
            login=login,
            display_name=login,
            password="長い合言葉 2026年",
            groups=(group,),
            now=NOW,
            totp_secret="JBSWY3DPEHPK3PXP",
        )
        for login, group in groups.items()
    }


@pytest.fixture
def audit(db: Session, engine: Engine) -> AuditTrail:
    return AuditTrail(db, engine, Actor("admin", ("administrator",), None))


def version(db: Session) -> int:
    return db.scalars(select(AclVersion.version)).one()


def save(db: Session, audit: AuditTrail, who: int, wanted: set[tuple[str, str]]) -> MatrixChange:
    return save_matrix(
        db, audit, wanted=wanted, shown_version=version(db), guarded=GUARDED, staff_id=who, **WHEN
    )


def join(db: Session, audit: AuditTrail, who: int, member: int, group: str) -> bool:
    return add_membership(
        db, audit, member_id=member, group=group, valid_to=None, guarded=GUARDED, staff_id=who, **WHEN
    )


def settle(db: Session, audit: AuditTrail, who: int, *, accepted: bool = True) -> None:
    decide(db, audit, proposal_id=pending(db)[0].id, accepted=accepted, staff_id=who, **WHEN)


def account(db: Session, login: str) -> StaffAccount:
    return db.scalars(select(StaffAccount).where(StaffAccount.login == login)).one()


def test_a_plain_change_is_in_force_at_once_and_on_record(
    db: Session, audit: AuditTrail, people: dict[str, int]
) -> None:
    before = version(db)
    cells = matrix(db) - {("viewer", "ticket:view")} | {("viewer", "foreign:view")}
    change = save(db, audit, people["admin"], set(cells))
    assert (change.granted, change.withdrawn) == ((("viewer", "foreign:view"),), (("viewer", "ticket:view"),))
    assert matrix(db) == cells
    assert version(db) == before + 1
    event = db.execute(select(AuditEvent.before, AuditEvent.after).order_by(AuditEvent.id.desc())).first()
    assert event == ({"withdrawn": ["viewer:ticket:view"]}, {"granted": ["viewer:foreign:view"]})


def test_nothing_changed_changes_nothing(db: Session, audit: AuditTrail, people: dict[str, int]) -> None:
    before = version(db)
    save(db, audit, people["admin"], set(matrix(db)))
    assert version(db) == before


def test_the_matrix_of_yesterday_is_not_saved_over_todays(
    db: Session, audit: AuditTrail, people: dict[str, int]
) -> None:
    with pytest.raises(AclChangedError):
        save_matrix(
            db,
            audit,
            wanted=(),
            shown_version=version(db) - 1,
            guarded=GUARDED,
            staff_id=people["admin"],
            **WHEN,
        )


@pytest.mark.parametrize("permission", ["acl:edit", "account:manage"])
def test_the_last_administration_stays(
    db: Session, audit: AuditTrail, people: dict[str, int], permission: str
) -> None:
    with pytest.raises(AclRefusedError, match="last_administrator"):
        save(db, audit, people["admin"], set(matrix(db) - {("administrator", permission)}))


def test_the_last_administrator_stays(db: Session, audit: AuditTrail, people: dict[str, int]) -> None:
    revoke_account(db, audit, account(db, "admin2"), **WHEN)
    deeds: tuple[Callable[[], None], ...] = (
        lambda: revoke_account(db, audit, account(db, "admin"), **WHEN),
        lambda: end_membership(db, audit, member_id=people["admin"], group="administrator", today=TODAY),
        lambda: change_account(
            db,
            audit,
            account(db, "admin"),
            display_name="x",
            valid_to=TODAY - timedelta(days=1),
            today=TODAY,
        ),
    )
    for last_deed in deeds:
        nested = db.begin_nested()
        with pytest.raises(AclRefusedError, match="last_administrator"):
            last_deed()
        nested.rollback()
        db.expire_all()
    assert account(db, "admin").revoked_at is None


def test_a_right_to_numbers_waits_for_a_second_administrator(
    db: Session, audit: AuditTrail, people: dict[str, int]
) -> None:
    wanted = set(matrix(db) | {("viewer", READ)})
    assert save(db, audit, people["admin"], wanted).proposed == (("viewer", READ),)
    assert ("viewer", READ) not in matrix(db)
    assert save(db, audit, people["admin"], wanted).proposed == ()
    with pytest.raises(AclRefusedError, match="same_person"):
        settle(db, audit, people["admin"])
    settle(db, audit, people["admin2"])
    assert ("viewer", READ) in matrix(db)
    assert pending(db) == []
    with pytest.raises(AclRefusedError, match="gone"):
        decide(db, audit, proposal_id=1, accepted=True, staff_id=people["admin2"], **WHEN)


def test_nobody_gives_a_right_to_numbers_to_a_group_of_their_own(
    db: Session, audit: AuditTrail, people: dict[str, int]
) -> None:
    wanted = set(matrix(db) | {("administrator", READ)})
    with pytest.raises(AclRefusedError, match="own_gain"):
        save(db, audit, people["admin"], wanted)


def test_a_second_administrator_who_would_gain_cannot_confirm(
    db: Session, audit: AuditTrail, people: dict[str, int]
) -> None:
    assert join(db, audit, people["admin"], people["admin2"], "viewer")
    save(db, audit, people["admin"], set(matrix(db) | {("viewer", READ)}))
    with pytest.raises(AclRefusedError, match="own_gain"):
        settle(db, audit, people["admin2"])


def test_joining_a_group_with_that_right_waits_too(
    db: Session, audit: AuditTrail, people: dict[str, int]
) -> None:
    assert not join(db, audit, people["admin"], people["viewer"], "number")
    assert not belongs(db, people["viewer"], "number", TODAY)
    settle(db, audit, people["admin2"])
    assert belongs(db, people["viewer"], "number", TODAY)


def test_the_last_day_that_was_asked_for_holds_after_the_confirmation(
    db: Session, audit: AuditTrail, people: dict[str, int]
) -> None:
    last = TODAY + timedelta(days=90)
    add_membership(
        db,
        audit,
        member_id=people["viewer"],
        group="number",
        valid_to=last,
        guarded=GUARDED,
        staff_id=people["admin"],
        **WHEN,
    )
    assert pending(db)[0].valid_to == last
    settle(db, audit, people["admin2"])
    assert belongs(db, people["viewer"], "number", last)
    assert not belongs(db, people["viewer"], "number", last + timedelta(days=1))


@pytest.mark.parametrize("who", ["admin", "admin2"])
def test_nobody_lets_themself_into_such_a_group(
    db: Session, audit: AuditTrail, people: dict[str, int], who: str
) -> None:
    if who == "admin":
        with pytest.raises(AclRefusedError, match="own_gain"):
            join(db, audit, people["admin"], people["admin"], "number")
    else:
        join(db, audit, people["admin"], people["admin2"], "number")
        with pytest.raises(AclRefusedError, match="own_gain"):
            settle(db, audit, people["admin2"])


def test_a_proposal_can_be_rejected_or_withdrawn(
    db: Session, audit: AuditTrail, people: dict[str, int]
) -> None:
    for who in ("admin2", "admin"):
        join(db, audit, people["admin"], people["viewer"], "number")
        settle(db, audit, people[who], accepted=False)
        assert not belongs(db, people["viewer"], "number", TODAY)
    assert db.scalars(select(AclProposal.accepted)).all() == [False, False]


def test_withdrawing_a_right_to_numbers_does_not_wait(
    db: Session, audit: AuditTrail, people: dict[str, int]
) -> None:
    change = save(db, audit, people["admin"], set(matrix(db) - {("number", READ)}))
    assert change.withdrawn == (("number", READ),)
    end_membership(db, audit, member_id=people["number"], group="number", today=TODAY)
    assert not belongs(db, people["number"], "number", TODAY)


def test_one_administrator_alone_cannot_act_as_number_staff(
    db: Session, audit: AuditTrail, people: dict[str, int]
) -> None:
    _password, kept = reset_password(db, audit, account(db, "number"), guarded=GUARDED, **WHEN)
    assert kept == ()
    assert account(db, "number").totp_secret is not None
    left = reset_second_factor(db, audit, account(db, "number"), guarded=GUARDED, **WHEN)
    assert left == ["number"]
    assert not belongs(db, people["number"], "number", TODAY)
    assert account(db, "number").totp_secret is None


def test_an_account_without_second_factor_is_not_taken_over_by_its_password(
    db: Session, audit: AuditTrail, people: dict[str, int]
) -> None:
    account(db, "number").totp_secret = None
    _password, left = reset_password(db, audit, account(db, "number"), guarded=GUARDED, **WHEN)
    assert left == ["number"]
    assert not belongs(db, people["number"], "number", TODAY)


def test_one_administrator_alone_does_not_make_the_second_one(
    db: Session, audit: AuditTrail, people: dict[str, int]
) -> None:
    assert not join(db, audit, people["admin"], people["viewer"], "administrator")
    wanted = set(matrix(db) | {("viewer", "acl:edit"), ("viewer", "account:manage")})
    assert len(save(db, audit, people["admin"], wanted).proposed) == 2
    assert matrix(db).isdisjoint({("viewer", "acl:edit"), ("viewer", "account:manage")})
    assert reset_second_factor(db, audit, account(db, "admin2"), guarded=GUARDED, **WHEN) == ["administrator"]
    with pytest.raises(AclRefusedError, match="last_administrator"):
        reset_second_factor(db, audit, account(db, "admin"), guarded=GUARDED, **WHEN)


def test_a_proposer_who_joined_the_group_meanwhile_does_not_gain(
    db: Session, audit: AuditTrail, people: dict[str, int]
) -> None:
    save(db, audit, people["admin"], set(matrix(db) | {("viewer", READ)}))
    assert join(db, audit, people["admin"], people["admin"], "viewer")
    with pytest.raises(AclRefusedError, match="own_gain"):
        settle(db, audit, people["admin2"])
    assert ("viewer", READ) not in matrix(db)


def test_a_reset_password_is_temporary_and_ends_the_sessions(
    db: Session, audit: AuditTrail, people: dict[str, int]
) -> None:
    begin_session(db, people["viewer"], b"x" * 32, address="127.0.0.1", now=NOW, lifetime_hours=10)
    password, _left = reset_password(db, audit, account(db, "viewer"), guarded=GUARDED, **WHEN)
    assert verify_password(password, account(db, "viewer").password_hash)
    assert account(db, "viewer").must_change_password
    assert db.scalars(select(StaffSession.ended_reason)).all() == ["password"]
    assert password not in str(db.execute(select(AuditEvent)).all())


def test_the_list_names_groups_of_today_and_unused_accounts(
    db: Session, audit: AuditTrail, people: dict[str, int]
) -> None:
    db.add(
        GroupMembership(
            staff_id=people["viewer"],
            group_name="auditor",
            valid_from=TODAY + timedelta(days=1),
            valid_to=None,
        )
    )
    db.flush()
    rows = {row.login: row for row in list_accounts(db, TODAY)}
    assert rows["viewer"].groups == ("viewer",)
    assert [rows["viewer"].is_unused(NOW + timedelta(days=days)) for days in (89, 91)] == [False, True]
    assert audit.actor.login == "admin"
