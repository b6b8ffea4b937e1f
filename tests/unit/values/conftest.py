"""Hypothesis without time limits (the machine is shared) and without files."""

from hypothesis import settings

settings.register_profile("yvaxportal", deadline=None, database=None, derandomize=True)
settings.load_profile("yvaxportal")
