"""``yvax web``: serve the pages with waitress, behind a reverse proxy in production."""

import argparse
import gc
import logging
import signal
import socket
import sys
from typing import Any, NoReturn

import waitress

import yvaxportal
from yvaxportal.allocator import give_memory_back, hoard_little
from yvaxportal.commands.common import Subparsers, add_ini, read_ini, require_current, set_up_logging
from yvaxportal.commands.leash import add_leash, stop_with_parent
from yvaxportal.commands.refusals import channel_with, refusal_pages
from yvaxportal.security.body_limit import FORM_BYTES
from yvaxportal.services.metrics.listener import telling
from yvaxportal.settings import Settings, SettingsError, read_settings

#: How many new objects are waited for before garbage is looked for (Python's own 700 is for small programs),
#: and how many such looks before the next older ones are looked through.
_YOUNG, _OLDER = 2_000, 5


def add(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser("web", help="serve the pages")
    add_ini(parser, "port", "residents")
    add_leash(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT, then finish the requests under way."""
    hoard_little()
    raw = read_ini(args)
    settings = read_settings(raw)
    set_up_logging(args)
    require_current(settings)
    application = yvaxportal.main({}, **raw)
    server = open_server(application, settings)
    server.channel_class = channel_with(refusal_pages(application))
    signal.signal(signal.SIGTERM, _leave)
    stop_with_parent(args)
    sys.setswitchinterval(0.05)
    # What was loaded to start stays: it is not looked through again for garbage with every thousand objects.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _OLDER, _OLDER)
    give_memory_back()
    logging.getLogger(__name__).info("serving on http://%s:%d/", settings.host, settings.port)
    connections = application.registry.portal.connections
    with telling("yvaxportal.metrics.web", settings.metrics_web, connections, database=False):
        server.run()
    return 0


def open_server(application: Any, settings: Settings) -> Any:
    """Return waitress bound to its address; SettingsError when that cannot be had."""
    proxy: dict[str, Any] = {}
    if settings.trusted_proxy:
        headers = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}
        proxy = {"trusted_proxy": settings.trusted_proxy, "trusted_proxy_headers": headers}
    return waitress.create_server(
        application,
        sockets=[_bound(settings)],
        threads=settings.threads,
        ident=None,
        max_request_body_size=max(settings.max_body_bytes, settings.import_max_file_bytes + FORM_BYTES),
        clear_untrusted_proxy_headers=True,
        **proxy,
    )


def _bound(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        problem = f"{settings.host}:{settings.port} cannot be listened on ({error.strerror or error})"
        raise SettingsError("yvaxportal.web.port", problem) from None


def _leave(_signal: int, _frame: object) -> NoReturn:
    sys.exit(0)
