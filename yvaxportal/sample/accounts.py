"""The demo accounts: development only, production refuses to start with them."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from yvaxportal.security.groups import default_groups
from yvaxportal.services.bootstrap import create_account, ensure_groups
from yvaxportal.vault.keyring import KeyRing

DEMO_PASSWORD = "yvax-demo-2026"  # noqa: S105 - published: production refuses to start with these accounts
DEMO_TOTP_SECRET = "JBSWY3DPEHPK3PXP"  # noqa: S105 - likewise
LOOPBACK = ("127.0.0.0/8", "::1/128")

#: Login, name, group. The second administrator is there to confirm what the first one proposes.
DEMO_ACCOUNTS = (
    ("viewer", "閲覧 太郎（デモ）", "viewer"),
    ("registrar", "登録 花子（デモ）", "registrar"),
    ("number", "番号 一郎（デモ）", "number"),
    ("manager", "管理 正子（デモ）", "manager"),
    ("auditor", "監査 進（デモ）", "auditor"),
    ("admin", "システム 管理（デモ）", "administrator"),
    ("admin2", "システム 副管理（デモ）", "administrator"),
    ("contractor", "委託 次郎（デモ）", "contractor"),
)
_CREATED_AT = datetime(2026, 4, 1, tzinfo=UTC)


def add_groups(session: Session) -> None:
    """Add the built-in groups that are missing, with their default rights and terminals on this machine."""
    ensure_groups(session, default_groups(), networks=LOOPBACK)


def create_demo_accounts(session: Session, key_ring: KeyRing) -> int:
    """Add the demo accounts and return how many there are; their groups must be there."""
    for login, display_name, group in DEMO_ACCOUNTS:
        create_account(
            session,
            key_ring,
            login=login,
            display_name=display_name,
            password=DEMO_PASSWORD,
            groups=(group,),
            now=_CREATED_AT,
            totp_secret=DEMO_TOTP_SECRET,
            must_change_password=False,
            is_demo=True,
        )
    return len(DEMO_ACCOUNTS)
