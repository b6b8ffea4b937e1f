"""``yvax account``: the first administrators, and help when nobody can sign in any more.

Passwords are made here and printed once; none is ever an argument. What administrators do day by day, and
everything that needs two of them, is done on the pages.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.commands.common import CommandError, Subparsers, add_ini, load_settings
from yvaxportal.models.database import open_engine
from yvaxportal.models.staff import StaffAccount
from yvaxportal.security.groups import BUILT_IN_GROUPS, default_groups
from yvaxportal.services.accounts import (
    LoginTakenError,
    account_by_login,
    list_accounts,
    open_account,
    reset_password,
    revoke_account,
)
from yvaxportal.services.acl import AclRefusedError, count_administrators, join_group
from yvaxportal.services.bootstrap import ensure_groups
from yvaxportal.settings import Settings
from yvaxportal.values.clock import format_jst, jst_date, now_utc
from yvaxportal.vault.keyring import KeyRing

# Two, because what concerns personal numbers needs two; further ones are made on the pages.
ADMINISTRATORS = 2
ADMINISTRATOR = "administrator"


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser("account", help="create and manage staff accounts")
    commands = parser.add_subparsers(required=True)
    first = commands.add_parser("first", help="add the groups and one of two administrators")
    add_ini(first)
    first.add_argument("login")
    first.add_argument("name", help="the person's name")
    first.add_argument(
        "--network", action="append", required=True, help="from where they work, such as 10.1.0.0/24"
    )
    first.set_defaults(run=run_first)
    for name, run, sentence in (
        ("list", run_list, "list the accounts"),
        ("revoke", run_revoke, "end an account and its sessions at once"),
        ("reset-password", run_reset, "set a temporary password"),
    ):
        command = commands.add_parser(name, help=sentence)
        add_ini(command)
        if name != "list":
            command.add_argument("login")
        command.set_defaults(run=run)


@contextmanager
def _work(settings: Settings) -> Iterator[tuple[Session, AuditTrail]]:
    engine = open_engine(settings.database_url, pool_size=2)
    with Session(engine) as session, session.begin():
        yield session, AuditTrail(session, engine, SYSTEM)
    engine.dispose()


def run_first(args: argparse.Namespace) -> int:
    """Create an administrator; refused while there are two, so that it opens no back door.

    When one of two was lost, whoever has the server makes the second anew: the one who is left cannot.
    """
    settings, now = load_settings(args), now_utc()
    with _work(settings) as (session, audit):
        ensure_groups(session, default_groups(), networks=args.network)
        if count_administrators(session, jst_date(now)) >= ADMINISTRATORS:
            raise CommandError("there are two administrators: they make further ones on the pages")
        try:
            staff_id, password = open_account(
                session,
                audit,
                KeyRing.load(settings.key_ring_file),
                login=args.login,
                display_name=args.name,
                valid_to=None,
                now=now,
            )
        except LoginTakenError:
            raise CommandError("this login is or was somebody's") from None
        join_group(session, staff_id, ADMINISTRATOR, jst_date(now), None)
        audit.record(Action.ACCOUNT_CHANGED, subject=f"staff:{staff_id}", after={"group": ADMINISTRATOR})
    print(f"{args.login} may sign in once with this temporary password: {password}")
    return 0


def run_list(args: argparse.Namespace) -> int:
    """Print the accounts."""
    labels = {group.name: group.label_en for group in BUILT_IN_GROUPS}
    with _work(load_settings(args)) as (session, _audit):
        for row in list_accounts(session, jst_date(now_utc())):
            state = "revoked" if row.revoked_at else f"until {row.valid_to}" if row.valid_to else ""
            last = format_jst(row.last_sign_in_at) if row.last_sign_in_at else "never signed in"
            groups = ", ".join(labels.get(name, name) for name in row.groups)
            print(f"{row.login:<20} {groups:<30} {last:<18} {state}".rstrip())
    return 0


def _account(session: Session, login: str) -> StaffAccount:
    account = account_by_login(session, login)
    if account is None:
        raise CommandError("there is no such account; `yvax account list` shows them")
    return account


def run_revoke(args: argparse.Namespace) -> int:
    """Revoke an account."""
    now = now_utc()
    with _work(load_settings(args)) as (session, audit):
        try:
            revoke_account(session, audit, _account(session, args.login), today=jst_date(now), now=now)
        except AclRefusedError:
            raise CommandError("refused: nobody could administer the portal any more") from None
    print("revoked; open sessions ended")
    return 0


def run_reset(args: argparse.Namespace) -> int:
    """Set a temporary password; second factor and groups stay."""
    now = now_utc()
    with _work(load_settings(args)) as (session, audit):
        account = _account(session, args.login)
        password, _left = reset_password(session, audit, account, guarded=(), today=jst_date(now), now=now)
    print(f"temporary password: {password}")
    return 0
