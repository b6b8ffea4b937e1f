"""Reading the rule files: what ships in ``schedules/``, overridden or added to by a municipality's folder."""

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from yvaxportal.programme.building import build_programme, build_spacing
from yvaxportal.programme.catalogue import Catalogue
from yvaxportal.programme.consistency import check_programmes
from yvaxportal.programme.schedule import Programme, Schedule, Spacing
from yvaxportal.programme.source import RuleFile, ScheduleError, Table

SHIPPED = Path(__file__).with_name("schedules")

__all__ = ["SHIPPED", "ScheduleError", "load_schedule"]

_VERSION_DIGITS = 12
_TABLES = frozenset({"order", "citation", "programme", "spacing"})


def load_schedule(catalogue: Catalogue, extra: Path | None = None) -> Schedule:
    """Return the schedule of the shipped rule files and those of the folder ``extra``.

    A file of the folder replaces the shipped file of the same name; any other is added.

    :raises ScheduleError: a file is wrong; the text is ``file:line: reason``.
    """
    contents = {path: _read(path) for path in _paths(extra)}
    files = sorted(
        (_parse(path, content) for path, content in contents.items()),
        key=lambda file: (file.data.get("order", 0), file.path.name),
    )
    programmes: dict[str, Programme] = {}
    spacings: list[Spacing] = []
    for file in files:
        _check_tables(file)
        for code in file.data.get("programme", {}):
            table = file.table("programme", code)
            if code in programmes:
                raise table.error(f"programme {code} is already in {programmes[code].file}")
            programmes[code] = build_programme(table, code, catalogue)
        spacings.extend(build_spacing(table, catalogue) for table in file.tables("spacing"))
    check_programmes(programmes, files)
    return Schedule(
        programmes=MappingProxyType(programmes),
        spacings=tuple(spacings),
        catalogue=catalogue,
        version=_version(contents),
        files=tuple(str(file.path) for file in files),
    )


def _paths(extra: Path | None) -> list[Path]:
    found = {path.name: path for path in SHIPPED.glob("*.toml")}
    if extra is not None:
        if not extra.is_dir():
            raise ScheduleError(extra, 0, "there is no such folder")
        found |= {path.name: path for path in extra.glob("*.toml")}
    return [found[name] for name in sorted(found)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ScheduleError(path, 0, f"cannot be read ({type(error).__name__})") from None


def _parse(path: Path, content: bytes) -> RuleFile:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ScheduleError(path, line, "is not UTF-8") from None
    try:
        return RuleFile(path, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        line, reason = _place(str(error), text)
        raise ScheduleError(path, line, reason) from None


def _place(message: str, text: str) -> tuple[int, str]:
    """Return line and reason of "reason (at line 3, column 5)"."""
    reason, _, place = message.partition(" (at ")
    digits = place.removeprefix("line ").partition(",")[0]
    return (int(digits) if digits.isdigit() else text.count("\n") + 1), f"no TOML: {reason}"


def _check_tables(file: RuleFile) -> None:
    top = Table(file, (), file.data)
    for name in file.data:
        if name not in _TABLES:
            raise top.error(f"unknown key {name}", key=name)
    top.whole("order", default=0)
    for name in ("programme", "citation"):
        if not isinstance(file.data.get(name, {}), Mapping):
            raise top.error(f"{name} must be a table of tables", key=name)


def _version(contents: Mapping[Path, bytes]) -> str:
    digest = hashlib.sha256()
    for path, content in sorted(contents.items(), key=lambda item: item[0].name):
        digest.update(f"{path.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:_VERSION_DIGITS]
