"""Response headers that every page carries."""

from collections.abc import Callable

from pyramid.config import Configurator
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response
from pyramid.tweens import INGRESS

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
STATIC = ("/static/", "/static-bootstrap/")


def headers_factory(
    handler: Callable[[Request], Response], registry: Registry
) -> Callable[[Request], Response]:
    """Return the tween: headers on every response, and no cache keeps a page."""
    headers = dict(HEADERS)
    if registry.portal.settings.secure_cookies:
        headers["Strict-Transport-Security"] = "max-age=31536000"

    def tween(request: Request) -> Response:
        response = handler(request)
        response.headers.update(headers)
        if not request.path_info.startswith(STATIC):
            response.headers["Cache-Control"] = "no-store"
        return response

    return tween


def includeme(config: Configurator) -> None:
    """Put the tween outermost, so that error pages get the headers too."""
    config.add_tween("yvaxportal.security.headers.headers_factory", under=INGRESS)
