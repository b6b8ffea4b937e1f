"""What tests about a person's items share: a clerk, and reading the audit log back."""

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.people import NOW
from yvaxportal.audit.actions import Action
from yvaxportal.models.audit import AuditEvent
from yvaxportal.models.staff import StaffAccount


def clerk(session: Session, login: str = "clerk") -> int:
    """Add one staff account that cannot sign in, and return its id."""
    account = StaffAccount(
        login=login,
        display_name="見本職員",
        password_hash="-",
        password_changed_at=NOW,
        must_change_password=False,
        valid_from=date(2020, 4, 1),
        is_demo=False,
        created_at=NOW,
    )
    session.add(account)
    session.flush()
    return account.id


def events(session: Session, action: Action) -> list[AuditEvent]:
    """Return the audited acts of one kind, oldest first."""
    return list(
        session.scalars(select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id))
    )
