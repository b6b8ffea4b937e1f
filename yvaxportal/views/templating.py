"""The ``.pt`` renderer: Chameleon in the reader's language, with the frame's macros at hand.

pyramid_chameleon was last released in 2013 and leans on pkg_resources; what the portal needs of it is
this file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chameleon import PageTemplateLoader
from chameleon.zpt.template import PageTemplateFile
from pyramid.config import Configurator
from translationstring import ChameleonTranslate

from yvaxportal.values.text import _ as message_id

ASSET_PREFIX = "yvaxportal:templates/"
FOLDER = Path(__file__).parent.parent / "templates"


class TemplateRenderer:
    """Renders one page template.

    Besides Pyramid's own names a template sees ``page`` (the frame's macro), ``layout_macros`` (all of
    layout.pt), ``macros`` (all of macros.pt) and ``_``, which translates a message id in an expression.
    """

    def __init__(self, loader: PageTemplateLoader, name: str) -> None:
        self._loader = loader
        self._template: PageTemplateFile = loader.load(name)

    def __call__(self, value: Mapping[str, Any], system: dict[str, Any]) -> str:
        localizer = system["request"].localizer
        frame = self._loader.load("layout.pt").macros
        names = {
            **system,
            "page": frame["page"],
            "layout_macros": frame,
            "macros": self._loader.load("macros.pt").macros,
            "_": lambda text: localizer.translate(message_id(text)),
            **value,
        }
        rendered: str = self._template(translate=ChameleonTranslate(localizer.translate), **names)
        return rendered


class TemplateRendererFactory:
    """Makes a renderer of an asset name such as ``yvaxportal:templates/home.pt``."""

    def __init__(self, *, reload: bool) -> None:
        self._loader = PageTemplateLoader([str(FOLDER)], auto_reload=reload)

    def __call__(self, info: Any) -> TemplateRenderer:
        name = str(info.name).removeprefix(ASSET_PREFIX)
        if not (FOLDER / name).is_file():
            raise LookupError(f"there is no template {name!r}")
        return TemplateRenderer(self._loader, name)


def includeme(config: Configurator) -> None:
    """Register ``.pt``; templates are read again on change only where the ini file says so."""
    reload = config.registry.settings.get("pyramid.reload_templates") in {True, "true"}
    config.add_renderer(".pt", TemplateRendererFactory(reload=reload))
