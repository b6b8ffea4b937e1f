"""Reading layout files: those that ship, and the municipality's own, which add or replace."""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from yvaxportal.outputs.layouts.columns import Column, read_column

SHIPPED = Path(__file__).parent
#: Formats of lists, which have columns, and of documents, whose maker decides what is in them.
LISTS = ("csv", "xlsx")
DOCUMENTS = ("pdf", "zip")
ENCODINGS = ("utf-8-sig", "cp932")

_CODE = re.compile(r"[a-z][a-z0-9_]{0,62}")
_KEYS = frozenset({"name_ja", "name_en", "source", "format", "encoding", "purposes_ja", "column"})


class LayoutError(ValueError):
    """A layout file is wrong. The text names the file and the reason."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout; its code is the name of its file.

    :param source: what makes it: a key of ``outputs.makers.MAKERS``.
    :param encoding: of CSV, None for the others.
    :param purposes_ja: purposes that staff may choose from when they ask for the file.
    :param columns: of a list, in their order; empty for documents.
    """

    code: str
    name_ja: str
    name_en: str
    source: str
    format: str
    encoding: str | None
    purposes_ja: tuple[str, ...]
    columns: tuple[Column, ...]


def load_layouts(extra: Path | None = None, *, sources: Collection[str]) -> Mapping[str, Layout]:
    """Return all layouts by code; a file of the folder ``extra`` adds one or replaces that of its name.

    :param sources: what a layout may name as its source.
    :raises LayoutError: a file is no TOML or describes nothing that can leave: the personal number, an item
        that is not known, a format or encoding that there is not.
    """
    found: dict[str, Layout] = {}
    if extra is not None and not extra.is_dir():
        raise LayoutError(f"{extra}: is no folder")
    for folder in (SHIPPED, extra) if extra else (SHIPPED,):
        for path in sorted(folder.glob("*.toml")):
            layout = _read(path, sources)
            found[layout.code] = layout
    return MappingProxyType(found)


def _read(path: Path, sources: Collection[str]) -> Layout:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LayoutError(f"{path}: {error}") from None
    try:
        return _layout(path.stem, content, sources)
    except ValueError as error:
        raise LayoutError(f"{path}: {error}") from None


def _layout(code: str, content: Mapping[str, Any], sources: Collection[str]) -> Layout:
    if not _CODE.fullmatch(code):
        raise ValueError("a file's name is small letters, digits and underscores")
    if unknown := content.keys() - _KEYS:
        raise ValueError(f"{min(unknown)} is not known")
    for name in ("name_ja", "name_en", "source", "format"):
        if not isinstance(content.get(name), str) or not content[name].strip():
            raise ValueError(f"{name} is missing")
    if content["source"] not in sources:
        raise ValueError(f"no such source: {content['source']}; there are {', '.join(sorted(sources))}")
    form = content["format"]
    if form not in (*LISTS, *DOCUMENTS):
        raise ValueError(f"no such format: {form}; there are {', '.join((*LISTS, *DOCUMENTS))}")
    purposes = content.get("purposes_ja", [])
    if not isinstance(purposes, list) or not all(isinstance(purpose, str) for purpose in purposes):
        raise ValueError("purposes_ja must be a list of texts")
    return Layout(
        code=code,
        name_ja=content["name_ja"],
        name_en=content["name_en"],
        source=content["source"],
        format=form,
        encoding=_encoding(form, content.get("encoding")),
        purposes_ja=tuple(purposes),
        columns=_columns(form, content.get("column", [])),
    )


def _encoding(form: str, encoding: object) -> str | None:
    if form != "csv":
        if encoding is not None:
            raise ValueError("only csv has an encoding")
        return None
    if encoding not in ENCODINGS:
        raise ValueError(f"encoding must be one of {', '.join(ENCODINGS)}")
    return str(encoding)


def _columns(form: str, entries: object) -> tuple[Column, ...]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("columns are written as [[column]]")
    if bool(entries) != (form in LISTS):
        raise ValueError("lists have columns, documents have none")
    columns = []
    for number, entry in enumerate(entries, start=1):
        try:
            columns.append(read_column(entry))
        except ValueError as error:
            raise ValueError(f"column {number}: {error}") from None
    for name in ("heading_ja", "heading_en"):
        headings = [getattr(column, name) for column in columns]
        if len(set(headings)) != len(headings):
            raise ValueError(f"two columns have the same {name}")
    return tuple(columns)
