"""What the loading of the city may say to the person at the terminal."""


class SampleError(Exception):
    """The sample city cannot be loaded. The text is one line that says why."""
