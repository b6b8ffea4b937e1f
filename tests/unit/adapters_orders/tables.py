"""The tables of docs/protocols/folder.md, 14, as the layout that ships with a system has them."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]


def layout(system: str) -> dict[str, Any]:
    """Return the layout that ships with a system."""
    return tomllib.loads((ROOT / f"yvaxportal/adapters/{system}/orders.toml").read_text("utf-8"))


def items(system: str) -> Iterator[str]:
    """Give a line for each item."""
    for name, said in layout(system)["items"].items():
        kind = said.get("kind", "half-width text" if said.get("characters") == "half" else "text")
        codes = ", ".join(f"{code} {meaning}" for code, meaning in said.get("codes", {}).items())
        plain = all(code == meaning for code, meaning in said.get("codes", {}).items())
        shown = codes if said.get("type") == "flag" or not plain else ", ".join(said.get("codes", {}))
        notes = [shown, "a number in JSON" if said.get("type") == "number" else ""]
        notes += [{"text": "may be empty", "null": "empty is null"}.get(said.get("when_empty", ""), "")]
        kind = {"personal_number": "personal number", "partial_date": "partial date"}.get(kind, kind)
        needed = "r" if said.get("required") else ""
        told = "; ".join(note for note in notes if note)
        yield f"| `{name}` | {said['title']} | {kind} | {said['width']} | {needed} | {told} |".replace(
            "  |", " |"
        )


def operations(system: str) -> Iterator[str]:
    """Give a line for each line of an operation's files."""
    for operation, said in layout(system).items():
        if operation not in {"file", "items"}:
            for half, mark in (("order", "I"), ("answer", "K")):
                yield from _lines(operation, mark, said.get(half, {}))


def _lines(operation: str, mark: str, half: dict[str, Any]) -> Iterator[str]:
    yield f"| `{operation}` | {mark} | | {_columns(half.get('columns', []))} |".replace("|  |", "| |")
    for part in half.get("lists", ()):
        shape = part.get("shape", "records")
        where = f"`{part['at']}`" + (f" of {part['of']}" if part.get("of") else "")
        what = where if shape == "records" else f"{where}, {shape}"
        yield f"| | {part['mark']} | {what} | {_columns(part['columns'])} |"


def _columns(columns: list[Any]) -> str:
    return " ".join(_column(one) for one in columns)


def _column(one: Any) -> str:
    if isinstance(one, str):
        return f"`{one}`"
    needed = "" if "required" not in one else " (r)" if one["required"] else " (not r)"
    place = f" → `{one['at']}`" if "at" in one else ""
    return f"`{one['item']}`{needed}{place}"


if __name__ == "__main__":
    import sys

    print("\n".join(items(sys.argv[1])), "\n")  # noqa: T201 - for whoever writes the page
    print("\n".join(operations(sys.argv[1])))  # noqa: T201
