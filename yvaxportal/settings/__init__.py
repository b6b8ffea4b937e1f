"""What the ini file may say about the portal, checked as a whole before anything starts.

A wrong setting stops the start with ``SettingsError``: one line that names the setting and never prints its
value.
"""

from yvaxportal.settings.checks import DEVELOPMENT_MARK
from yvaxportal.settings.reading import read_settings, secret_files
from yvaxportal.settings.values import Settings, SettingsError

__all__ = ["DEVELOPMENT_MARK", "Settings", "SettingsError", "read_settings", "secret_files"]
