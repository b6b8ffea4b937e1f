"""``yvax import``: files of doses in nightly batches, as a named account, by the services of the pages."""

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from yvaxportal.audit.trail import Actor, AuditTrail
from yvaxportal.commands.common import (
    CommandError,
    Subparsers,
    add_ini,
    load_settings,
    require_current,
    set_up_logging,
)
from yvaxportal.models.codes import ImportState
from yvaxportal.models.database import open_engine
from yvaxportal.models.imports import ImportBatch
from yvaxportal.security.permissions import Permission
from yvaxportal.services.imports.applying import apply
from yvaxportal.services.imports.bureau import Bureau, open_bureau
from yvaxportal.services.imports.checking import check
from yvaxportal.services.imports.desk import (
    NotNowError,
    Sender,
    ask_for_apply,
    ask_for_check,
    ask_for_undo,
    hand_in,
)
from yvaxportal.services.imports.encodings import ENCODINGS
from yvaxportal.services.imports.queue import outcomes
from yvaxportal.services.imports.undoing import undo
from yvaxportal.services.standing import Standing, standing_of
from yvaxportal.settings import Settings, SettingsError
from yvaxportal.values.clock import jst_date, now_utc
from yvaxportal.values.text import contains_personal_number
from yvaxportal.vault.keyring import SETTING as KEY_RING_SETTING
from yvaxportal.vault.keyring import KeyRing, KeyRingError

_LONGEST_REASON = 200


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser("import", help="take in files of doses")
    commands = parser.add_subparsers(required=True)
    checked = commands.add_parser("check", help="hand a file in and judge its rows; nothing is recorded")
    _common(checked)
    checked.add_argument("file", type=Path, help="the file")
    checked.add_argument("--layout", required=True, help="the layout, such as questionnaires")
    checked.add_argument("--encoding", choices=ENCODINGS, help="needed where the file does not tell")
    checked.set_defaults(run=run_check)
    applied = commands.add_parser("apply", help="record the rows that are ready or decided")
    _common(applied)
    applied.add_argument("batch", type=int, help="the number that check printed")
    applied.set_defaults(run=run_apply)
    undone = commands.add_parser("undo", help="take an import back")
    _common(undone)
    undone.add_argument("batch", type=int, help="the number that check printed")
    undone.add_argument("--reason", required=True, help="why; it is kept with every dose")
    undone.add_argument(
        "--partly", action="store_true", help="leave rows alone on which something later depends"
    )
    undone.set_defaults(run=run_undo)


def _common(parser: argparse.ArgumentParser) -> None:
    add_ini(parser)
    parser.add_argument("--as", dest="login", required=True, help="the account in whose name it is done")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


class _Work:
    """What a command works with."""

    def __init__(self, settings: Settings, engine: Engine, login: str) -> None:
        self.bureau = _bureau(settings, engine)
        self._login = login
        self.now = now_utc()
        with Session(engine) as session:
            found = standing_of(session, login, jst_date(self.now))
        if found is None:
            raise CommandError("there is no such account, or it is not valid today")
        self.standing: Standing = found

    def require(self, permission: Permission) -> None:
        """Refuse what the account may not do on the pages either."""
        if permission not in self.standing.permissions:
            raise CommandError(f"{self._login} may not do this: {permission} is missing")

    @contextmanager
    def session(self) -> Iterator[tuple[Session, AuditTrail]]:
        """Give one transaction."""
        actor = Actor(self._login, self.standing.groups, None)
        with Session(self.bureau.engine) as session, session.begin():
            yield session, AuditTrail(session, self.bureau.engine, actor)

    def batch(self, batch_id: int) -> ImportBatch:
        """Return a batch that the account sees; CommandError for any other."""
        with Session(self.bureau.engine, expire_on_commit=False) as session:
            batch = session.get(ImportBatch, batch_id)
        sees_all = Permission.IMPORT_VIEW in self.standing.permissions
        if batch is None or not (sees_all or batch.uploaded_by == self.standing.staff_id):
            raise CommandError("there is no such import")
        return batch


@contextmanager
def _work(args: argparse.Namespace) -> Iterator[_Work]:
    settings = load_settings(args)
    set_up_logging(args)
    require_current(settings)
    engine = open_engine(settings.database_url, pool_size=3)
    try:
        yield _Work(settings, engine, args.login)
    finally:
        engine.dispose()


def _bureau(settings: Settings, engine: Engine) -> Bureau:
    try:
        ring = KeyRing.load(settings.key_ring_file)
    except KeyRingError as error:
        raise SettingsError(KEY_RING_SETTING, error.problem) from None
    return open_bureau(settings, engine, ring, now_utc)


def run_check(args: argparse.Namespace) -> int:
    """Hand in and judge; exit code 1 when the file was refused as a whole."""
    with _work(args) as work:
        work.require(Permission.IMPORT_SEND)
        if args.layout not in work.bureau.layouts:
            raise CommandError(f"no such layout; there are: {', '.join(work.bureau.layouts)}")
        if contains_personal_number(args.file.name):
            raise CommandError("the file's name may hold a personal number: rename it")
        batch_id = _handed_in(work, args)
        batch = work.batch(batch_id)
        if batch.state is ImportState.UPLOADED:
            _asked(work, batch, args.encoding)
            check(work.bureau, batch_id)
            batch = work.batch(batch_id)
        _print(args, batch, {})
        return 1 if batch.state is ImportState.REFUSED else 0


def _handed_in(work: _Work, args: argparse.Namespace) -> int:
    try:
        with args.file.open("rb") as file, work.session() as (session, audit):
            batch = hand_in(
                session,
                audit,
                work.bureau,
                layout=args.layout,
                file_name=args.file.name,
                file=file,
                sender=Sender(work.standing.staff_id, work.standing.groups),
                now=work.now,
            )
            return batch.id
    except OSError as error:
        raise CommandError(f"{args.file}: cannot be read ({type(error).__name__})") from None


def _asked(work: _Work, batch: ImportBatch, encoding: str | None) -> None:
    if batch.format != "xlsx" and batch.encoding is None and encoding is None:
        found = ", ".join(one["encoding"] for one in batch.encodings)
        raise CommandError(f"import {batch.id}: say --encoding; it may be {found}")
    with work.session() as (session, audit):
        lacking = ask_for_check(
            session,
            audit,
            work.bureau,
            batch.id,
            encoding=encoding or batch.encoding,
            mapping=batch.mapping,
            staff_id=work.standing.staff_id,
            now=work.now,
        )
    if lacking:
        raise CommandError(f"import {batch.id}: no column for {', '.join(lacking)}; map it on its page once")


def run_apply(args: argparse.Namespace) -> int:
    """Record what is ready."""
    with _work(args) as work:
        work.require(Permission.IMPORT_APPLY)
        batch = work.batch(args.batch)

        def ask(session: Session, audit: AuditTrail) -> None:
            ask_for_apply(session, audit, batch.id, staff_id=work.standing.staff_id, now=work.now)

        return _run(work, args, ask, apply, ImportState.APPLIED)


def run_undo(args: argparse.Namespace) -> int:
    """Take an import back; exit code 1 when something later depends on it."""
    if len(args.reason) > _LONGEST_REASON or contains_personal_number(args.reason):
        raise CommandError("the reason has up to 200 characters and no personal number")
    with _work(args) as work:
        work.require(Permission.IMPORT_UNDO)
        batch = work.batch(args.batch)

        def ask(session: Session, audit: AuditTrail) -> None:
            ask_for_undo(
                session,
                audit,
                batch.id,
                staff_id=work.standing.staff_id,
                reason=args.reason,
                partly=args.partly,
                now=work.now,
            )

        wanted = ImportState.APPLIED if args.partly else ImportState.UNDONE
        return _run(work, args, ask, undo, wanted, ImportState.UNDONE)


def _run(
    work: _Work,
    args: argparse.Namespace,
    ask: Callable[[Session, AuditTrail], None],
    run: Callable[[Bureau, int], Any],
    *wanted: ImportState,
) -> int:
    try:
        with work.session() as (session, audit):
            ask(session, audit)
    except NotNowError:
        raise CommandError(f"import {args.batch} is not in a state in which this can be done") from None
    run(work.bureau, args.batch)
    batch = work.batch(args.batch)
    with Session(work.bureau.engine) as session:
        became = outcomes(session, args.batch)
    _print(args, batch, became)
    return 0 if batch.state in wanted else 1


def _print(args: argparse.Namespace, batch: ImportBatch, became: dict[str, int]) -> None:
    said = {
        "import": batch.id,
        "state": batch.state.value,
        "rows": dict(sorted(batch.counts.items())),
        "match_rate": batch.match_rate,
        "refusal": batch.refusal,
        "facts": batch.facts,
        "problem": batch.problem,
        "became": dict(sorted(became.items())),
    }
    if args.json:
        print(json.dumps(said, ensure_ascii=False))
        return
    print(f"import {batch.id}: {batch.state.value}")
    if batch.refusal:
        print(f"{batch.refusal}: {json.dumps(batch.facts, ensure_ascii=False)}")
    if batch.problem:
        print(batch.problem)
    for name, count in {**batch.counts, **became}.items():
        print(f"{name:<24}{count:>10,}")
