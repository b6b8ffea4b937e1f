"""Whether the font of letters holds every character of a name: what it lacks would be printed as a box.

A variation sequence counts as one character that must be in the font as such: without it, the font's
usual form would stand in somebody's name. A character of the private use area (外字) is never held to be
in the font, because what another font draws there is another character.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
_PRIVATE_USE = (range(0xE000, 0xF900), range(0xF0000, 0x110000))


@dataclass(frozen=True)
class Glyphs:
    """The characters of a font, and the variation sequences that it knows."""

    characters: frozenset[str]
    sequences: frozenset[str]

    @classmethod
    def of(cls, path: Path) -> "Glyphs":
        """Read the character tables of a font file.

        :raises OSError: it cannot be read. :raises fontTools.ttLib.TTLibError: it is no font.
        """
        from fontTools.ttLib import TTFont  # noqa: PLC0415 - only where letters are set

        with TTFont(path, lazy=True) as font:
            table = font["cmap"]
            characters = frozenset(
                chr(code) for code in table.getBestCmap() if not _within(code, _PRIVATE_USE)
            )
            sequences = frozenset(
                chr(base) + chr(selector)
                for subtable in table.tables
                if subtable.format == 14  # noqa: PLR2004 - the format of variation sequences
                for selector, pairs in subtable.uvsDict.items()
                for base, _glyph in pairs
            )
        return cls(characters, sequences)

    def lacking(self, *texts: str) -> tuple[str, ...]:
        """Return what the font lacks of ``texts``, each once: a character, or it and its selector."""
        if self._is_plain(texts):
            return ()
        return tuple(
            dict.fromkeys(written for text in texts for written in clusters(text) if not self._holds(written))
        )

    def _is_plain(self, texts: Iterable[str]) -> bool:
        """Tell whether every character is in the font and none is a selector: nearly always."""
        used: set[str] = set().union(*texts)
        return used <= self.characters and not any(_within(ord(char), _SELECTORS) for char in used)

    def _holds(self, written: str) -> bool:
        return written in self.sequences if len(written) > 1 else written in self.characters


def clusters(text: str) -> Iterator[str]:
    """Yield the characters of a text, a variation selector together with what it varies."""
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or not _within(ord(text[place]), _SELECTORS):
            yield text[start:place]
            start = place


def code_points(written: str) -> str:
    """Write a character as staff look it up: ``U+20BB7``, ``U+8FBA U+E0104``."""
    return " ".join(f"U+{ord(char):04X}" for char in written)


def _within(code: int, ranges: Iterable[range]) -> bool:
    return any(code in part for part in ranges)
