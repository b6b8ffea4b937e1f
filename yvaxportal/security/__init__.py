"""Sign-in state, permissions, CSRF and headers. Everything is closed until a view and an ACL open it."""

from pyramid.config import Configurator
from pyramid.session import JSONSerializer, SignedCookieSessionFactory

from yvaxportal.security.permissions import Permission

COOKIE = "yvax"


def includeme(config: Configurator) -> None:
    """Set the session, the policy, the default permission, CSRF checks and the headers."""
    settings = config.registry.portal.settings
    config.set_session_factory(
        SignedCookieSessionFactory(
            settings.session_secret_file.read_bytes().strip(),
            serializer=JSONSerializer(),
            cookie_name=f"__Host-{COOKIE}" if settings.secure_cookies else COOKIE,
            secure=settings.secure_cookies,
            httponly=True,
            samesite="Lax",
            # The sign-in ends in the database; a cookie that never gets old need not be made anew each time.
            timeout=None,
            reissue_time=None,
            set_on_exception=True,
        ),
    )
    # By name: the policy knows the tree and the tree the request, which knows this package.
    config.set_security_policy(config.maybe_dotted("yvaxportal.security.policy.SecurityPolicy")())
    config.set_default_permission(Permission.UNGRANTED)
    config.set_default_csrf_options(require_csrf=True)
    config.include("yvaxportal.security.headers")
    config.include("yvaxportal.security.body_limit")
