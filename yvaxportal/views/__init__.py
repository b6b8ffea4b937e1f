"""Pages: thin classes that read a form, call one service, and answer."""

from datetime import timedelta

from pyramid.config import Configurator
from pyramid.request import Request

STATIC_AGE = timedelta(hours=12)
LOCALES = ("ja", "en")


def negotiate_locale(request: Request) -> str:
    """Return the language the reader chose, Japanese until they choose."""
    chosen = request.session.get("locale")
    return chosen if chosen in LOCALES else LOCALES[0]


def includeme(config: Configurator) -> None:
    """Set language, templates, static files and frame, then find every page."""
    config.include("yvaxportal.views.templating")
    config.add_settings({"pyramid.default_locale_name": LOCALES[0]})
    config.add_translation_dirs("yvaxportal:locale", "colander:locale", "deform:locale")
    config.set_locale_negotiator(negotiate_locale)
    config.add_static_view("static", "yvaxportal:static", cache_max_age=STATIC_AGE)
    config.add_static_view("static-bootstrap", "deform:static/css", cache_max_age=STATIC_AGE)
    config.include("yvaxportal.views.layout")
    config.scan("yvaxportal.views")
