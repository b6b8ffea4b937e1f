"""What the loading of the city may say to the person at the terminal."""

from yvaxportal.settings import SettingsError


class SampleError(SettingsError):
    """The sample city cannot be loaded. The text is one line: the setting (or command) and why."""
