"""The request every view gets, with what the portal carries on it."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from ipaddress import ip_address
from typing import Any

import transaction
from pyramid.i18n import Localizer
from pyramid.request import Request
from sqlalchemy.orm import Session
from translationstring import TranslationString, Translator

from yvaxportal.audit.trail import Actor, AuditTrail
from yvaxportal.models.database import open_session
from yvaxportal.portal import Portal
from yvaxportal.security.identity import Identity
from yvaxportal.services.sessions import Address
from yvaxportal.values.clock import jst_date
from yvaxportal.vault.vault import Vault


class PortalRequest(Request):
    """A Pyramid request that knows the portal's rooms by type."""

    tm: transaction.TransactionManager

    @cached_property
    def portal(self) -> Portal:
        """Return what the process holds: settings, engine, key ring, ACL store, catalogue, clock."""
        portal: Portal = self.registry.portal
        return portal

    @cached_property
    def db(self) -> Session:
        """Return the session of this request's transaction."""
        return open_session(self.portal.sessions, self.tm)

    @cached_property
    def localizer(self) -> Localizer:
        """Return the translator of the reader's language."""
        found: Localizer = super().localizer
        if not isinstance(found.translator, _Sentences):
            found.translator = _Sentences(Translator(found.translations))
        return found

    @cached_property
    def terminal(self) -> Address:
        """Return the address of the terminal, as the server or its trusted proxy saw it."""
        return ip_address(self.client_addr or "0.0.0.0")  # noqa: S104 - an address that no terminal has

    @cached_property
    def now(self) -> datetime:
        """Return the aware instant (UTC) at which this request began."""
        return self.portal.clock()

    @cached_property
    def today(self) -> date:
        """Return the day in Japan on which this request began."""
        return jst_date(self.now)

    @cached_property
    def audit(self) -> AuditTrail:
        """Return the audit trail, writing as whoever is signed in."""
        identity: Identity | None = self.identity
        actor = Actor(
            login=identity.login if identity else "",
            groups=identity.groups if identity else (),
            address=self.client_addr,
        )
        return AuditTrail(self.db, self.portal.engine, actor)

    @property
    def vault(self) -> Vault:
        """Return the vault of personal numbers."""
        return self.portal.vault

    @cached_property
    def grants(self) -> Mapping[str, frozenset[str]]:
        """Return which groups hold each permission, as the administrators left it."""
        identity: Identity | None = self.identity
        if identity is None:
            return {}
        return self.portal.acl.grants(self.db, identity.acl_version)

    @cached_property
    def own_permissions(self) -> frozenset[str]:
        """Return what the groups of whoever is signed in hold, wherever in the tree it applies."""
        identity: Identity | None = self.identity
        groups = frozenset(identity.groups if identity else ())
        return frozenset(permission for permission, holders in self.grants.items() if holders & groups)

    @property
    def factor_is_fresh(self) -> bool:
        """Tell whether the second factor was shown a moment ago, as the settings define it."""
        identity: Identity | None = self.identity
        if identity is None or identity.second_factor_at is None:
            return False
        fresh = timedelta(minutes=self.portal.settings.fresh_minutes)
        return self.now - identity.second_factor_at <= fresh

    def flash(self, kind: str, text: str) -> None:
        """Show ``text`` on the next page; ``kind`` is ``success``, ``info``, ``warning`` or ``error``."""
        self.session.flash((kind, self.localizer.translate(text)), "portal")


class _Sentences:
    """Looks a sentence without figures up once: a page has a hundred, most of them those of every page.

    Only what the code and the templates say is kept, never what somebody typed.
    """

    def __init__(self, look_up: Callable[..., Any]) -> None:
        self._look_up = look_up
        self._known: dict[tuple[str, str | None, str | None], Any] = {}

    def __call__(self, text: str, domain: str | None = None, mapping: Mapping[str, Any] | None = None) -> Any:
        if mapping or not isinstance(text, TranslationString) or text.mapping:
            return self._look_up(text, domain, mapping)
        key = text, domain or text.domain, text.context
        known = self._known.get(key)
        if known is None:
            known = self._look_up(text, domain)
            # Chameleon knows a text without translation by getting back its very own default.
            if known is not text.default:
                self._known[key] = known
        return known
