"""The security policy: who is asking, and what the ACL of a place says to them."""

import hashlib
import secrets

from pyramid.authorization import ACLAllowed, ACLDenied, ACLHelper, Authenticated, Everyone
from pyramid.request import RequestLocalCache

from yvaxportal.request import PortalRequest
from yvaxportal.resources import Node, OwnAccount, Root
from yvaxportal.security.identity import Identity
from yvaxportal.services.sessions import LiveSession, live_session, touch

TOKEN = "sign-in"  # noqa: S105 - the session's key, not a token
ENDED = "sign-in-ended"
_LIMITED_PLACES = (OwnAccount, Root)


def new_token() -> str:
    """Return a token that nobody guesses, for the cookie."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """Return what the table keeps of a token."""
    return hashlib.sha256(token.encode("utf-8")).digest()


class SecurityPolicy:
    """Identity from the live session in the database, permission from the tree's ACLs."""

    def __init__(self) -> None:
        self._acl = ACLHelper()
        self._identities = RequestLocalCache(self._load)

    def _load(self, request: PortalRequest) -> Identity | None:
        token = request.session.get(TOKEN)
        if not isinstance(token, str):
            return None
        settings = request.portal.settings
        found = live_session(
            request.db,
            hash_token(token),
            today=request.today,
            now=request.now,
            idle_minutes=settings.idle_minutes,
        )
        if isinstance(found, str):
            request.session.pop(TOKEN)
            request.session[ENDED] = found
            return None
        touch(request.db, found, request.now)
        return self._identity(request, found)

    def _identity(self, request: PortalRequest, found: LiveSession) -> Identity:
        held = [group for group in found.groups if group.reachable_from(request.terminal)]
        always = request.portal.settings.second_factor == "always"
        owes_factor = always and found.second_factor_at is None
        return Identity(
            staff_id=found.staff_id,
            session_id=found.session_id,
            login=found.login,
            display_name=found.display_name,
            groups=tuple(group.name for group in held),
            group_labels=tuple(group.label_ja for group in held),
            second_factor_at=found.second_factor_at,
            has_second_factor=found.has_second_factor,
            must_change_password=found.must_change_password,
            limited=found.must_change_password or owes_factor,
            acl_version=found.acl_version,
            token_hash=found.token_hash,
        )

    def identity(self, request: PortalRequest) -> Identity | None:
        """Return who is signed in, None for a visitor."""
        found: Identity | None = self._identities.get_or_create(request)
        return found

    def authenticated_userid(self, request: PortalRequest) -> str | None:
        """Return the login of whoever is signed in."""
        identity = self.identity(request)
        return identity.login if identity else None

    def permits(self, request: PortalRequest, context: Node, permission: str) -> ACLAllowed | ACLDenied:
        """Ask the ACLs from ``context`` upwards."""
        # Without Everyone a denial would match nobody and guard nothing.
        principals = [Everyone]
        identity = self.identity(request)
        if identity is not None and not (identity.limited and not isinstance(context, _LIMITED_PLACES)):
            principals += [Authenticated, *(f"group:{group}" for group in identity.groups)]
        return self._acl.permits(context, principals, permission)

    def remember(self, request: PortalRequest, userid: str, **kw: object) -> list[tuple[str, str]]:
        """Forget what was cached; the session carries the token (see the sign-in view)."""
        del userid, kw
        self._identities.clear(request)
        return []

    def forget(self, request: PortalRequest, **kw: object) -> list[tuple[str, str]]:
        """Forget what was cached and the token."""
        del kw
        request.session.pop(TOKEN, None)
        self._identities.clear(request)
        return []
