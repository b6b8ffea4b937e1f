"""The two fonts that letters are set in, found on the system and named in one error where they are not.

IPAmj Mincho holds the characters of the resident register (文字情報基盤, about 60,000 glyphs with their
variants); OCR-B is what the line on a ticket must be printed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typst

MINCHO = "IPAmjMincho"
OCR = "OCR B"
#: Family name as the font calls itself -> the Debian package that brings it.
PACKAGES: Mapping[str, str] = {MINCHO: "fonts-ipamj-mincho", OCR: "fonts-ocr-b"}


class FontMissingError(Exception):
    """A font is not installed. ``families`` names those that are not."""

    def __init__(self, families: tuple[str, ...]) -> None:
        named = ", ".join(f"{family} (Debian: {PACKAGES[family]})" for family in families)
        super().__init__(
            f"fonts are missing: {named}; install them, or name their folder in "
            "yvaxportal.documents.fonts_folder"
        )
        self.families = families


@dataclass(frozen=True)
class LetterFonts:
    """The fonts of letters: where their files are, and as the typesetter takes them."""

    paths: Mapping[str, Path]
    loaded: "typst.Fonts"


def find_fonts(folder: Path | None = None) -> LetterFonts:
    """Find the fonts, in ``folder`` and where the system keeps fonts.

    Only their own folders are handed on: what else is installed must not change how a letter looks.

    :raises FontMissingError: naming every font that is missing, and its package.
    """
    # Only where letters are set: it costs a process seven megabytes.
    import typst  # noqa: PLC0415

    own = [] if folder is None else [str(folder)]
    installed = typst.Fonts(include_system_fonts=True, include_embedded_fonts=False, font_paths=own)
    paths: dict[str, Path] = {}
    for font in installed.fonts():
        if font.family in PACKAGES and font.style == "normal" and font.path is not None:
            paths.setdefault(font.family, Path(font.path))
    missing = tuple(family for family in PACKAGES if family not in paths)
    if missing:
        raise FontMissingError(missing)
    folders = sorted({str(path.parent) for path in paths.values()})
    return LetterFonts(
        paths=paths,
        loaded=typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders),
    )
