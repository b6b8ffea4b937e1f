"""Response headers that every page carries, and a page for what goes wrong outside all views."""

import sys
from collections.abc import Callable

from pyramid.config import Configurator
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response
from pyramid.tweens import INGRESS
from pyramid_retry import is_error_retryable

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
    """Return the tween: headers on every response, no cache keeps a page, no failure is without a page."""
    headers = dict(HEADERS)
    if registry.portal.settings.secure_cookies:
        headers["Strict-Transport-Security"] = "max-age=31536000"

    def tween(request: Request) -> Response:
        try:
            response = handler(request)
        except Exception as error:
            # What goes wrong at the commit lies outside the exception views; a collision is repeated first.
            if is_error_retryable(request, error):
                raise
            response = request.invoke_exception_view(sys.exc_info(), reraise=True)
        response.headers.update(headers)
        # As it came: a path in no encoding is a page of its own, and has headers too.
        if not request.environ.get("PATH_INFO", "").startswith(STATIC):
            response.headers["Cache-Control"] = "no-store"
        return response

    return tween


def includeme(config: Configurator) -> None:
    """Put the tween outermost, so that error pages get the headers too."""
    config.add_tween("yvaxportal.security.headers.headers_factory", under=INGRESS)
