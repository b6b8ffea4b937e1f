"""The vaccines and the programme's rules, as they ship together with the municipality's own files."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.loading import load_schedule
from yvaxportal.programme.schedule import Schedule
from yvaxportal.settings import Settings, SettingsError

Content = TypeVar("Content")


def open_schedule(settings: Settings) -> Schedule:
    """Return the rules with their catalogue of vaccines.

    :raises SettingsError: one of the files is wrong; it names the setting, file, line and reason.
    """
    catalogue = own_file("yvaxportal.programme.vaccines_file", settings.vaccines_file, load_catalogue)
    read_rules = partial(load_schedule, catalogue)
    return own_file("yvaxportal.programme.schedules_folder", settings.schedules_folder, read_rules)


def own_file(setting: str, path: Path | None, load: Callable[[Path | None], Content]) -> Content:
    """Load what ships, together with the municipality's own file; the error names the setting."""
    try:
        return load(path)
    except OSError as error:
        raise SettingsError(setting, f"the file cannot be read ({type(error).__name__})") from None
    except ValueError as error:
        raise SettingsError(setting, " ".join(str(error).split())) from None
