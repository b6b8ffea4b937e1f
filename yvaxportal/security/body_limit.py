"""How much a request may bring: little everywhere, a file where files of doses are handed in."""

from collections.abc import Callable

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPRequestEntityTooLarge
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response
from pyramid.tweens import EXCVIEW

#: Where files come in, and what the form around a file takes.
FILES = "/imports/upload"
FORM_BYTES = 65_536


def body_limit_factory(
    handler: Callable[[Request], Response], registry: Registry
) -> Callable[[Request], Response]:
    """Return the tween: a body that is too large is refused before anything reads it."""
    settings = registry.portal.settings

    def tween(request: Request) -> Response:
        is_file = request.environ.get("PATH_INFO", "") == FILES
        most = settings.import_max_file_bytes + FORM_BYTES if is_file else settings.max_body_bytes
        if (request.content_length or 0) > most:
            raise HTTPRequestEntityTooLarge
        return handler(request)

    return tween


def includeme(config: Configurator) -> None:
    """Put the tween just under the pages for what goes wrong."""
    config.add_tween("yvaxportal.security.body_limit.body_limit_factory", under=EXCVIEW)
