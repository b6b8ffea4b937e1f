"""What every page shows around its content: menu, search, who is signed in, messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pyramid.config import Configurator
from pyramid.csrf import get_csrf_token
from pyramid.events import BeforeRender

from yvaxportal import resources
from yvaxportal.request import PortalRequest
from yvaxportal.security.identity import Identity
from yvaxportal.security.permissions import Permission
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _

MENU = (
    ("residents", _("Residents"), Permission.RESIDENT_SEARCH),
    ("doubles", _("Possible doubles"), Permission.DOUBLE_VIEW),
    ("imports", _("Files of doses"), Permission.IMPORT_VIEW),
    ("mismatch", _("Mismatch desk"), Permission.IMPORT_VIEW),
    ("second-entry", _("Second entry"), Permission.IMPORT_SECOND_ENTRY),
    ("extractions", _("Lists of targets"), Permission.EXTRACTION_VIEW),
    ("letters", _("Letters"), Permission.LETTER_VIEW),
    ("outputs", _("Files that leave"), Permission.OUTPUT_VIEW),
    ("media", _("Storage media"), Permission.MEDIUM_VIEW),
    ("vault", _("Personal number look-up"), Permission.PERSONAL_NUMBER_LOOK_UP),
    ("dashboard", _("Dashboard"), Permission.REPORT_VIEW),
    ("reports", _("Reports"), Permission.REPORT_VIEW),
    ("fees", _("Fees"), Permission.FEE_VIEW),
    ("audit", _("Audit log"), Permission.AUDIT_VIEW),
    ("connections", _("Connections"), Permission.CONNECTION_VIEW),
    ("accounts", _("Accounts"), Permission.ACCOUNT_MANAGE),
    ("groups", _("Groups and permissions"), Permission.ACL_VIEW),
    ("account", _("My account"), Permission.SIGNED_IN),
)

_MENUS_KEPT = 200


@dataclass(frozen=True)
class MenuEntry:
    """One link of the menu."""

    key: str
    label: str
    url: str
    active: bool


class Layout:
    """The frame of one page. Built for each rendering; asks the database for nothing."""

    def __init__(self, request: PortalRequest) -> None:
        self._request = request
        root = getattr(request, "root", None)
        self._root = root if isinstance(root, resources.Root) else resources.Root(request)
        self._static: dict[str, str] = {}

    def _url(self, *names: str) -> str:
        return str(self._request.resource_path(self._root, *names))

    @property
    def title_suffix(self) -> str:
        """Return the municipality's name."""
        return self._request.portal.settings.municipality_name

    @property
    def locale(self) -> str:
        """Return the language of the page, ``ja`` or ``en``."""
        return str(self._request.locale_name)

    @property
    def csrf_token(self) -> str:
        """Return the session's token for forms."""
        return str(get_csrf_token(self._request))

    @property
    def environment_banner(self) -> str | None:
        """Return the warning that this is no production system, or None."""
        if self._request.portal.settings.environment == "production":
            return None
        return str(self._request.localizer.translate(_("Development: sample people only")))

    @cached_property
    def menu(self) -> Sequence[MenuEntry]:
        """Return the links this member of staff may follow."""
        request = self._request
        current = request.path.strip("/").split("/")[0]
        return [
            MenuEntry(key=key, label=label, url=url, active=current == key)
            for key, label, url in self._links()
        ]

    def _links(self) -> Sequence[tuple[str, str, str]]:
        """Return key, label and address of each link; the same for all whom the same grants apply to."""
        request = self._request
        identity: Identity | None = request.identity
        who = (identity.groups, identity.limited, identity.acl_version) if identity else ()
        known, key = request.portal.menus, (self.locale, request.script_name, who)
        links = known.get(key)
        if links is None:
            if len(known) >= _MENUS_KEPT:
                known.clear()
            links = known[key] = tuple(
                (name, request.localizer.translate(label), self._url(name) + "/")
                for name, label, permission in MENU
                if request.has_permission(permission, self._root[name])
            )
        return links

    @cached_property
    def flashes(self) -> Sequence[tuple[str, str]]:
        """Return and forget the messages left for this page."""
        return list(self._request.session.pop_flash("portal"))

    @property
    def may_search(self) -> bool:
        """Tell whether the search box is shown."""
        request = self._request
        return bool(request.has_permission(Permission.RESIDENT_SEARCH, self._root["residents"]))

    def static(self, path: str) -> str:
        """Return the address of a file of ours under ``static/``."""
        # A page asks for the same few files again and again, for each of its pictograms.
        known = self._static.get(path)
        if known is None:
            known = self._static[path] = str(self._request.static_path(f"yvaxportal:static/{path}"))
        return known

    @property
    def bootstrap_url(self) -> str:
        """Return the address of the style sheet that comes with the form library."""
        return str(self._request.static_path("deform:static/css/bootstrap.min.css"))

    @property
    def home_url(self) -> str:
        """Return the address of the first page."""
        return self._url()

    @property
    def sign_out_url(self) -> str:
        """Return where the sign-out button posts to."""
        return self._url("sign-out")

    @property
    def language_url(self) -> str:
        """Return where the language switch posts to."""
        return self._url("language")

    @property
    def search_url(self) -> str:
        """Return where the search box posts to."""
        return self._url("residents", "search")

    @property
    def keep_alive_url(self) -> str:
        """Return where a page says that somebody is still there."""
        return self._url("keep-alive")

    @property
    def idle_seconds(self) -> int:
        """Return after how many idle seconds the session ends."""
        return self._request.portal.settings.idle_minutes * 60

    @property
    def now_text(self) -> str:
        """Return the moment of the page in Japan, for the print mark."""
        return format_jst(self._request.now)


def add_layout(event: BeforeRender) -> None:
    """Give every template ``layout``; renderings outside a request get none."""
    request = event.get("request")
    if request is not None and "layout" not in event:
        event["layout"] = Layout(request)


def includeme(config: Configurator) -> None:
    """Subscribe the frame to every rendering."""
    config.add_subscriber(add_layout, BeforeRender)
