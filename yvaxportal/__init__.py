"""yvaxportal: a municipality's vaccination portal. This file is the table of contents of the application."""

from pyramid.config import Configurator
from pyramid.router import Router


def main(global_config: object, **settings: str) -> Router:  # noqa: ARG001 - PasteDeploy's signature
    """Return the WSGI application that an ini file describes.

    :raises yvaxportal.settings.SettingsError: a setting is wrong; one line that names it.
    """
    with Configurator(
        settings=settings,
        root_factory="yvaxportal.resources.Root",
        request_factory="yvaxportal.request.PortalRequest",
    ) as config:
        config.include("yvaxportal.portal")  # settings, database, key ring, vault, catalogue, clock
        config.include("yvaxportal.transactions")  # one transaction a request, repeated when it collides
        config.include("yvaxportal.security")  # sessions, sign-in, groups, CSRF, headers; deny by default
        config.include("yvaxportal.views")  # language, frame, pages, errors, static files
    application: Router = config.make_wsgi_app()
    return application
