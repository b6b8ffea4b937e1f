from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, insert, select
from sqlalchemy.orm import Session

from yvaxportal.models.atena import AdapterKey
from yvaxportal.models.search import SearchRequest
from yvaxportal.models.staff import SignInThrottle, StaffAccount, StaffSession
from yvaxportal.services.housekeeping import purge

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def add_staff(session: Session) -> int:
    staff = StaffAccount(
        login="viewer",
        display_name="職員",
        password_hash="x",
        password_changed_at=NOW,
        must_change_password=False,
        valid_from=NOW.date(),
        is_demo=False,
        created_at=NOW,
    )
    session.add(staff)
    session.flush()
    return staff.id


def test_what_is_over_goes_and_the_rest_stays(engine: Engine) -> None:
    with Session(engine) as session:
        staff_id = add_staff(session)
        for days in (0, 2, 9):
            past = NOW - timedelta(days=days)
            session.execute(
                insert(SearchRequest).values(staff_id=staff_id, terms=f"{days}", requested_at=past)
            )
            session.execute(
                insert(StaffSession).values(
                    token_hash=bytes([days] * 32),
                    staff_id=staff_id,
                    created_at=past,
                    last_seen_at=past,
                    expires_at=past,
                    address="127.0.0.1",
                )
            )
            session.execute(insert(SignInThrottle).values(key=f"{days}", failures=1, last_failure_at=past))
        session.commit()
    purge(engine, NOW)
    purge(engine, NOW)
    with Session(engine) as session:
        assert session.scalars(select(SearchRequest.terms)).all() == ["0"]
        assert session.scalar(select(func.count()).select_from(StaffSession)) == 2
        assert session.scalars(select(SignInThrottle.key)).all() == ["0"]


def test_keys_of_adapters_are_kept_for_two_months(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        for key, days in (("old", 61), ("young", 59)):
            used = NOW - timedelta(days=days)
            session.add(AdapterKey(system="atena", key=key, content=b"x", answer={}, used_at=used))
    purge(engine, NOW)
    with Session(engine) as session:
        assert session.scalars(select(AdapterKey.key)).all() == ["young"]
