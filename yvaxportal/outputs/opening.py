"""What the settings say about outputs, made once for each process."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Engine

from yvaxportal.outputs.layouts import Layout, LayoutError, load_layouts
from yvaxportal.outputs.makers import MAKERS
from yvaxportal.outputs.press import LetterPress
from yvaxportal.outputs.workshop import Workshop
from yvaxportal.settings import Settings, SettingsError
from yvaxportal.vault.keyring import KeyRing


def open_layouts(settings: Settings) -> Mapping[str, Layout]:
    """Load the layouts that ship and the municipality's own.

    :raises SettingsError: one of them is wrong; file and reason in one line.
    """
    try:
        return load_layouts(settings.layouts_folder, sources=MAKERS)
    except LayoutError as error:
        raise SettingsError("yvaxportal.outputs.layouts_folder", " ".join(str(error).split())) from None


def open_workshop(
    settings: Settings,
    engine: Engine,
    key_ring: KeyRing,
    clock: Callable[[], datetime],
    press: LetterPress | None = None,
) -> Workshop:
    """Return where the worker makes outputs.

    :param press: what letters are printed with.
    :raises SettingsError: a layout is wrong, or there is no temporary folder where the settings want one.
    """
    temporary = settings.temporary_folder
    if temporary is not None and not temporary.is_dir():
        raise SettingsError("yvaxportal.outputs.temporary_folder", "is no folder")
    return Workshop(
        engine=engine,
        key_ring=key_ring,
        layouts=open_layouts(settings),
        folder=settings.outputs_folder,
        temporary=temporary,
        approval_above=settings.approval_above,
        keep_days=settings.keep_days,
        clock=clock,
        press=press,
    )
