"""Layouts for tests, made from the text a municipality would write."""

from pathlib import Path

from yvaxportal.adapters.folder.layouts import Layouts, Scope, load_layouts

PEOPLE = """
[full]
layout = "MEIBO"
version = "1"
totals = ["number"]
[[full.columns]]
name = "number"
kind = "digits"
width = 15
required = true
[[full.columns]]
name = "name"
width = 40
fill = "wide_space"
[[full.columns]]
name = "born"
kind = "partial_date"
width = 10
[[full.columns]]
name = "moved"
kind = "date"
width = 10
[[full.columns]]
name = "sex"
kind = "code"
width = 1
codes = { "0" = "0", "1" = "1", "2" = "2" }
"""


def people_layouts(folder: Path, **file: str) -> Layouts:
    """Return a small layout; ``file`` are keys of ``[file]``."""
    head = "".join(f'{key} = "{value}"\n' for key, value in file.items())
    return layouts_of(folder, f"[file]\n{head}{PEOPLE}")


def layouts_of(folder: Path, text: str) -> Layouts:
    """Return the layouts that a text describes."""
    path = folder / "layout.toml"
    path.write_text(text, "utf-8")
    return load_layouts(path, dict.fromkeys(Scope, ()))
