"""The ``.pt`` renderer: Chameleon in the reader's language, with the frame's macros at hand.

pyramid_chameleon was last released in 2013 and leans on pkg_resources; what the portal needs of it is
this file.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from chameleon import PageTemplateLoader
from chameleon.utils import Scope
from chameleon.zpt.template import PageTemplateFile
from pyramid.config import Configurator
from translationstring import ChameleonTranslate

from yvaxportal.allocator import give_memory_back
from yvaxportal.values.text import _ as message_id

ASSET_PREFIX = "yvaxportal:templates/"
FOLDER = Path(__file__).parent.parent / "templates"


class _Names(Scope):
    """The names that a template sees.

    Chameleon copies them for each macro and each slot, and looks every name up through three calls: with the
    fifty names and as many macros of a page that is a third of its rendering.
    """

    __slots__ = ()

    def copy(self) -> "_Names":
        """Return the same names for a macro or a slot; what is set there is not seen outside of it."""
        # Not _Names(self): a dict with an __iter__ of its own is copied by asking it for each key.
        inner = _Names(dict.items(self))
        inner._root = getattr(self, "_root", self)
        return inner

    def get_name(self, key: str) -> Any:
        """Return what a name stands for; NameError when it stands for nothing."""
        try:
            return _own_item(self, key)
        except KeyError:
            return super().get_name(key)


_own_item = dict.__getitem__


class _Template(PageTemplateFile):
    """A page template that hands its names on as ``_Names``."""

    _render: Callable[..., None]

    def cook(self, body: str) -> None:
        """Compile the template."""
        super().cook(body)
        give_memory_back()
        render = self._render

        def with_names(stream: Any, names: Scope, *args: Any, **kwargs: Any) -> None:
            render(stream, names if isinstance(names, _Names) else _Names(names), *args, **kwargs)

        self._render = with_names


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
        self._loader = PageTemplateLoader([str(FOLDER)], formats={"xml": _Template}, auto_reload=reload)

    def __call__(self, info: Any) -> TemplateRenderer:
        name = str(info.name).removeprefix(ASSET_PREFIX)
        if not (FOLDER / name).is_file():
            raise LookupError(f"there is no template {name!r}")
        return TemplateRenderer(self._loader, name)


def includeme(config: Configurator) -> None:
    """Register ``.pt``; templates are read again on change only where the ini file says so."""
    reload = config.registry.settings.get("pyramid.reload_templates") in {True, "true"}
    config.add_renderer(".pt", TemplateRendererFactory(reload=reload))
