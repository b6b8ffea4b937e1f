"""How files that leave look, as data: one TOML file for each layout, checked when it is loaded.

``reading`` loads and checks the files, ``columns`` knows what a column may hold.
"""

from yvaxportal.outputs.layouts.columns import Column
from yvaxportal.outputs.layouts.reading import Layout, LayoutError, load_layouts

__all__ = ["Column", "Layout", "LayoutError", "load_layouts"]
