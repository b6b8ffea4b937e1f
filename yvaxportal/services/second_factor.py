"""Setting up the second factor of one's own account (TOTP, RFC 6238)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.staff import StaffAccount
from yvaxportal.services.bootstrap import totp_name
from yvaxportal.services.one_time_codes import enrolment_uri, fitting_step, new_secret
from yvaxportal.services.sign_in import SignInRefusedError
from yvaxportal.vault.keyring import KeyRing


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A secret that is offered but not yet confirmed; base32, with the address for the QR code."""

    secret: str
    uri: str


def offer(login: str, issuer: str, secret: str | None = None) -> Enrolment:
    """Return a new secret for an authenticator app, or the given one once more."""
    chosen = secret or new_secret()
    return Enrolment(chosen, enrolment_uri(chosen, login=login, issuer=issuer))


def confirm(
    session: Session,
    audit: AuditTrail,
    key_ring: KeyRing,
    *,
    staff_id: int,
    secret: str,
    code: str,
    now: datetime,
) -> None:
    """Keep the secret, sealed, once a code proves that the app has it.

    :raises SignInRefusedError: ``wrong``.
    """
    step = fitting_step(secret, code, now)
    if step is None:
        raise SignInRefusedError("wrong")
    account = session.get_one(StaffAccount, staff_id, with_for_update=True)
    account.totp_secret = key_ring.seal_secret(totp_name(account.login), secret.encode("ascii"))
    account.totp_last_step = step
    audit.record(Action.SECOND_FACTOR_CHANGED, subject=f"staff:{staff_id}")
