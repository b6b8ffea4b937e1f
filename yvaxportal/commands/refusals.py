"""What the web server refuses before any view sees it, told on the portal's own pages."""

from collections.abc import Mapping
from http import HTTPStatus

from pyramid.router import Router
from pyramid.scripting import prepare
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask

from yvaxportal.security.headers import HEADERS
from yvaxportal.views.errors import error_page


def refusal_pages(application: Router) -> dict[int, bytes]:
    """Return the page of each status that waitress answers by itself: a body too long, a broken request."""
    statuses = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.INTERNAL_SERVER_ERROR)
    with prepare(registry=application.registry) as made:
        return {int(status): error_page(made["request"], status).body for status in statuses}


def channel_with(pages: Mapping[int, bytes]) -> type[HTTPChannel]:
    """Return waitress's channel, with a page in place of its own line of English where there is one."""

    class PageTask(ErrorTask):
        def execute(self) -> None:
            error = self.request.error
            family = HTTPStatus.BAD_REQUEST if error.code < HTTPStatus.INTERNAL_SERVER_ERROR else 500
            page = pages.get(error.code, pages[family])
            self.status = f"{error.code} {error.reason}"
            self.response_headers += [
                ("Content-Type", "text/html; charset=UTF-8"),
                ("Cache-Control", "no-store"),
                *HEADERS.items(),
            ]
            self.set_close_on_finish()
            self.content_length = len(page)
            self.write(page)

    class PageChannel(HTTPChannel):
        error_task_class = PageTask

    return PageChannel
