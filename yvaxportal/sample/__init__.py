"""The made-up city: people who cannot be real, with everything the record holds (docs/sample_city.md)."""

from yvaxportal.sample.errors import SampleError
from yvaxportal.sample.load import SAMPLE_DAY, SampleReport, load

__all__ = ["SAMPLE_DAY", "SampleError", "SampleReport", "load"]
