import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, text, update
from sqlalchemy.orm import Session

from tests.people import resident
from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.embedded.places import DatabaseUrls
from yvaxportal.models.audit import AuditEvent
from yvaxportal.models.codes import OutputState
from yvaxportal.models.output import Output
from yvaxportal.models.staff import StaffAccount
from yvaxportal.models.vault import VaultEntry
from yvaxportal.services.bootstrap import create_account, totp_name
from yvaxportal.vault import rotation
from yvaxportal.vault.keyring import KeyRing, secret_key_id
from yvaxportal.vault.rotation import Broken, RetiredTooEarlyError, RotationReport, RotationRunningError
from yvaxportal.vault.secret_names import output_password_name
from yvaxportal.vault.vault import NumberTakenError, Vault

CITY = "312029"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
READ: dict[str, Any] = {
    "purpose": "issue_certificate",
    "case_reference": "R8-1",
    "today": date(2026, 11, 23),
}
NUMBERS = (
    "900000079198",
    "900000316769",
    "900000475140",
    "900000712710",
    "900000633527",
    "900000871096",
    "900000237575",
)
SECRET = "JBSWY3DPEHPK3PXP"


class Office:
    """A vault with seven numbers and one second factor, in a process that read the ring before anything."""

    def __init__(self, engine: Engine, owner: Engine, ring_path: Path) -> None:
        self.engine, self.owner, self.ring_path = engine, owner, ring_path
        self.vault = Vault(engine, KeyRing.load(ring_path), CITY)
        self.audit = AuditTrail(None, engine, SYSTEM)
        with Session(engine) as session:
            self.people = {resident(session).id: number for number in NUMBERS}
            create_account(
                session,
                self.ring,
                login="number",
                display_name="番号",
                password="長い合言葉 2026年",
                groups=(),
                now=NOW,
                totp_secret=SECRET,
            )
            session.commit()
        for who, number in self.people.items():
            self.vault.store(who, number, source="my_number_card", now=NOW, audit=self.audit)

    @property
    def ring(self) -> KeyRing:
        return KeyRing.load(self.ring_path)

    def rotate(self, **kw: Any) -> RotationReport:
        audit = AuditTrail(None, self.owner, SYSTEM)
        return rotation.rotate(
            self.owner, self.ring_path, CITY, secret_name=totp_name, audit=audit, batch=2, **kw
        )

    def retire(self, *, hours: float = 2) -> tuple[str, ...]:
        audit = AuditTrail(None, self.owner, SYSTEM)
        now = datetime.now(UTC) + timedelta(hours=hours)
        return rotation.retire(self.owner, self.ring_path, now=now, audit=audit)

    def uses(self) -> dict[str, tuple[int, int]]:
        uses = rotation.key_uses(self.owner, self.ring)
        return {use.key_id: (use.numbers, use.secrets) for use in uses}

    def everything_opens(self) -> None:
        for who, number in self.people.items():
            assert self.vault.read(who, **READ, audit=self.audit).reveal() == number
            assert self.vault.find(number, **READ, audit=self.audit) == who
        with Session(self.engine) as session:
            blob = session.scalars(select(StaffAccount.totp_secret)).one()
        assert blob is not None
        assert self.vault._ring.open_secret(totp_name("number"), blob) == SECRET.encode()

    def change_entry(self, resident_id: int, **values: object) -> None:
        with self.owner.begin() as connection:
            connection.execute(text("SELECT set_config('yvax.vault_work', 'rotate', true)"))
            connection.execute(
                update(VaultEntry).where(VaultEntry.resident_id == resident_id).values(**values)
            )


@pytest.fixture
def office(engine: Engine, owner_engine: Engine, tmp_path: Path) -> Office:
    KeyRing.create(tmp_path / "ring.json")
    return Office(engine, owner_engine, tmp_path / "ring.json")


def test_a_rotation_moves_everything_to_a_new_key(office: Office) -> None:
    old_key = office.ring.active
    told: list[int] = []
    report = office.rotate(progress=told.append)
    assert report == RotationReport(office.ring.active, 7, 1, Broken())
    assert told == [2, 4, 6, 7]
    assert office.uses() == {old_key: (0, 0), report.active: (7, 1)}
    office.everything_opens()


def test_a_rotation_goes_on_where_it_was_cut_off(office: Office) -> None:
    old_key = office.ring.active

    def cut(done: int) -> None:
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        office.rotate(progress=cut)
    new_key = office.ring.active
    assert office.uses() == {old_key: (3, 1), new_key: (4, 0)}
    office.everything_opens()
    assert office.retire() == ()

    assert office.rotate() == RotationReport(new_key, 3, 1, Broken())
    assert office.uses() == {old_key: (0, 0), new_key: (7, 1)}
    office.everything_opens()


KILLED = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import create_engine
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.services.bootstrap import totp_name
from yvaxportal.vault.rotation import rotate

owner = create_engine(sys.argv[1])
rotate(
    owner, Path(sys.argv[2]), "312029", secret_name=totp_name, audit=AuditTrail(None, owner, SYSTEM), batch=3,
    progress=lambda done: os.kill(os.getpid(), signal.SIGKILL),
)
"""


def test_a_killed_rotation_loses_nothing(office: Office, database_urls: DatabaseUrls) -> None:
    command = [sys.executable, "-c", KILLED, database_urls.owner, str(office.ring_path)]
    ended = subprocess.run(command, cwd=Path(__file__).parents[2], check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    assert sorted(office.uses().values()) == [(3, 0), (4, 1)]
    office.everything_opens()
    assert office.rotate().numbers == 4
    office.everything_opens()


def test_a_finished_rotation_starts_a_new_one(office: Office) -> None:
    keys = (office.ring.active, office.rotate().active, office.rotate().active)
    assert len(set(keys)) == 3
    assert office.ring.key_ids == keys


def test_a_key_prepared_beforehand_is_the_one_that_everything_moves_to(office: Office) -> None:
    old_key = office.ring.active
    audit = AuditTrail(None, office.owner, SYSTEM)
    new_key = rotation.prepare(office.owner, office.ring_path, audit=audit)
    assert rotation.prepare(office.owner, office.ring_path, audit=audit) == new_key
    assert office.uses() == {old_key: (7, 1), new_key: (0, 0)}
    office.everything_opens()
    assert office.rotate().active == new_key
    assert office.uses()[new_key] == (7, 1)


def test_a_key_is_retired_when_nothing_uses_it_and_no_page_still_may(office: Office) -> None:
    old_key = office.ring.active
    new_key = office.rotate().active
    with pytest.raises(RetiredTooEarlyError) as caught:
        office.retire(hours=0)
    assert caught.value.until == office.ring.created_at(new_key) + timedelta(hours=1)
    assert list(office.ring.key_ids) == [old_key, new_key]
    assert office.retire() == (old_key,)
    assert list(office.ring.key_ids) == [new_key]
    office.everything_opens()
    assert office.retire() == ()


@pytest.mark.parametrize("what", ["number", "secret"])
def test_a_key_that_seals_anything_is_not_retired(office: Office, what: str) -> None:
    old_key = office.ring.active
    blob = office.ring.seal_secret(totp_name("number"), SECRET.encode())
    office.rotate()
    who = next(iter(office.people))
    if what == "number":
        office.change_entry(who, key_id=old_key)
    else:
        with office.owner.begin() as connection:
            connection.execute(update(StaffAccount).values(totp_secret=blob))
    assert office.retire() == ()
    assert old_key in office.ring.key_ids


def test_what_does_not_open_is_named_and_holds_up_nothing_else(office: Office) -> None:
    first, second, *others = office.people
    office.change_entry(first, ciphertext=b"x" * 28)
    office.change_entry(second, key_id="gone")
    with office.owner.begin() as connection:
        blob = office.ring.seal_secret("totp:somebody else", SECRET.encode())
        account = connection.execute(update(StaffAccount).values(totp_secret=blob).returning(StaffAccount.id))
        staff_id = account.scalar_one()
    report = office.rotate()
    assert report.broken == Broken(residents=(first, second), staff=(staff_id,))
    assert (report.numbers, report.secrets) == (len(others), 0)
    assert office.retire() == ()
    again = office.rotate()
    assert (again.numbers, again.broken) == (len(others), report.broken)
    assert again.active != report.active

    # Entered again they are whole, and the rotation ends.
    for who in (first, second):
        office.vault.store(who, office.people[who], source="my_number_card", now=NOW, audit=office.audit)
    with office.owner.begin() as connection:
        blob = office.ring.seal_secret(totp_name("number"), SECRET.encode())
        connection.execute(update(StaffAccount).values(totp_secret=blob))
    office.everything_opens()
    assert len(office.retire()) == 2


@contextmanager
def once_before_look_up(engine: Engine, deed: Any) -> Iterator[None]:
    """Do something in the moment between choosing the keys to look a number up with and the look-up."""
    left = [deed]

    def before(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "blind_index IN" in statement and left:
            left.pop()()

    event.listen(engine, "before_cursor_execute", before)
    yield
    event.remove(engine, "before_cursor_execute", before)
    assert not left


def test_a_look_up_finds_what_is_moved_at_this_moment(office: Office) -> None:
    who, number = next(iter(office.people.items()))
    with once_before_look_up(office.engine, office.rotate):
        assert office.vault.find(number, **READ, audit=office.audit) == who


def test_a_number_moved_at_this_moment_is_not_given_to_somebody_else(office: Office) -> None:
    one, two, *_others = office.people
    with once_before_look_up(office.engine, office.rotate), pytest.raises(NumberTakenError):
        office.vault.store(two, office.people[one], source="my_number_card", now=NOW, audit=office.audit)
    office.everything_opens()


def test_one_rotation_at_a_time(office: Office) -> None:
    def again(_done: int) -> None:
        office.rotate()

    with pytest.raises(RotationRunningError):
        office.rotate(progress=again)


def test_each_step_is_in_the_audit_log_without_a_number(office: Office) -> None:
    office.rotate()
    office.retire()
    with Session(office.engine) as session:
        rotated = select(AuditEvent).where(AuditEvent.action == Action.KEYS_ROTATED).order_by(AuditEvent.id)
        events = session.scalars(rotated).all()
    assert [found.detail["act"] for found in events] == ["key added", "sealed again", "retired"]
    assert events[1].detail["numbers"] == 7
    assert not any(number in str(found.detail) for found in events for number in NUMBERS)


def leaving(office: Office, sealed: bytes) -> int:
    """Have a file that is ready and whose password nobody was shown yet."""
    with Session(office.engine) as session:
        output = Output(
            layout="target_list",
            title="見本",
            purpose="個別通知",
            subject={},
            requested_by=session.scalars(select(StaffAccount.id)).one(),
            requested_at=NOW,
            state=OutputState.READY,
            done=1,
            attempts=1,
            cancel_requested=False,
            sealed_password=sealed,
        )
        session.add(output)
        session.commit()
        return output.id


def test_passwords_of_files_are_sealed_again_and_lost_ones_forgotten(office: Office) -> None:
    # The first two rows of the table: what a secret is bound to has to be known before it is sealed.
    kept = leaving(office, office.ring.seal_secret(output_password_name(1), b"abcde-fghjk"))
    lost = leaving(office, KeyRing.with_new_key().seal_secret(output_password_name(2), b"abcde"))
    old = office.ring.active
    report = office.rotate()
    assert report.active != old
    assert report.secrets == 2
    with Session(office.engine) as session:
        blob = session.get_one(Output, kept).sealed_password
        assert session.get_one(Output, lost).sealed_password is None
    assert blob is not None
    assert secret_key_id(blob) == report.active
    assert office.retire() == (old,)
    assert office.ring.open_secret(output_password_name(kept), blob) == b"abcde-fghjk"
