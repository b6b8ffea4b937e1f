"""Setting letters: data and a template become a PDF, and what the template measured is compared with it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yvaxportal.documents.fonts import LetterFonts
from yvaxportal.documents.pdf_reading import PdfPages, count_pages
from yvaxportal.documents.template_folder import Templates

if TYPE_CHECKING:
    import typst

DATA = "data.json"
FORM = "form.pdf"
#: Where the addresses of a run stand, once the PDF was looked at.
WINDOW = "window.json"
#: Characters of an address that are looked for in the PDF: enough to know it by, too few to be broken.
_RECOGNISED = 4


class TemplateError(Exception):
    """A template cannot be set. ``diagnostic`` shows the place; it may hold data, so it is never logged."""

    def __init__(self, template: str, diagnostic: str) -> None:
        super().__init__(f"the template {template} cannot be set")
        self.template, self.diagnostic = template, diagnostic


class FormOverflowError(Exception):
    """What a run's options say does not fit on its form. ``fields`` names which."""

    def __init__(self, fields: tuple[str, ...]) -> None:
        super().__init__(f"too long for the form: {', '.join(fields)}")
        self.fields = fields


class MeasureError(Exception):
    """What a template says about its letters is not so in the PDF. ``rule`` names what.

    ``letters`` (not every letter was set, once and in order), ``pages`` (the count is another),
    ``window`` (an address does not stand where it shows in the envelope's window).
    """

    def __init__(self, template: str, rule: str) -> None:
        super().__init__(f"{template}: {rule}")
        self.template, self.rule = template, rule


@dataclass(frozen=True)
class SetLetters:
    """A PDF and what is known of the letters in it.

    :param pages: how many pages each letter takes, by its sequence number.
    :param overflow: the fields that do not fit, by sequence number; those letters must not leave.
    :param data: the file that the PDF was set from.
    """

    pdf: Path
    data: Path
    pages: Mapping[int, int]
    overflow: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Typesetter:
    """Sets letters from one set of templates and fonts."""

    templates: Templates
    fonts: LetterFonts

    def set_letters(
        self, template: str, data: Mapping[str, Any], folder: Path, name: str, *, now: datetime
    ) -> SetLetters:
        """Set the letters of ``data`` and compare the template's own measurements with the PDF.

        :param template: file name without its ending.
        :param data: ``run`` for all and ``letters`` in their order, each with its ``sequence`` and
            ``address``; docs/letters.md lists the fields.
        :param folder: an empty private folder, or one of earlier calls; ``name``.pdf is written there.
        :param now: what the PDF gives as the moment it was made (aware).
        :raises TemplateError: the template has a mistake.
        :raises MeasureError: the PDF is not what the template says it is.
        """
        self.prepare(template, data["run"], folder, now=now)
        path, compiler = self.compile(template, data, folder, name, now=now)
        letters = data["letters"]
        starts = _told_once(compiler, "letters")
        if [told["sequence"] for told in starts] != [letter["sequence"] for letter in letters]:
            raise MeasureError(template, "letters")
        content = path.read_bytes()
        pages = _pages(template, starts, count_pages(content))
        self._check_windows(template, letters, compiler, content, folder)
        overflow: dict[int, tuple[str, ...]] = {}
        for told in _told(compiler, "overflow"):
            before = overflow.get(told["sequence"], ())
            overflow[told["sequence"]] = tuple(dict.fromkeys((*before, told["field"])))
        usual = min(pages.values(), default=0)
        for sequence, count in pages.items():
            if count > usual:
                overflow[sequence] = (*overflow.get(sequence, ()), "page")
        return SetLetters(path, folder / f"{name}.json", pages, overflow)

    def prepare(self, template: str, run: Mapping[str, Any], folder: Path, *, now: datetime) -> None:
        """Put the templates into a folder, and the form that the letters lie on; once for each folder.

        :raises TemplateError: the form has a mistake.
        :raises FormOverflowError: what is the same in every letter does not fit on it.
        """
        if (folder / FORM).exists():
            return
        self.templates.write(folder)
        if f"{template}_form.typ" not in self.templates.files:
            return
        path, compiler = self.compile(
            f"{template}_form", {"run": run, "letters": []}, folder, "form_being_made", now=now
        )
        if fields := dict.fromkeys(told["field"] for told in _told(compiler, "overflow")):
            raise FormOverflowError(tuple(fields))
        path.rename(folder / FORM)

    def compile(
        self, template: str, data: Mapping[str, Any], folder: Path, name: str, *, now: datetime
    ) -> "tuple[Path, typst.Compiler]":
        """Set ``data`` without looking at what came of it.

        :raises TemplateError: the template has a mistake.
        """
        import typst  # noqa: PLC0415 - as in documents.fonts

        kept = folder / f"{name}.json"
        kept.write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")), "utf-8")
        target = folder / DATA
        target.unlink(missing_ok=True)
        target.hardlink_to(kept)
        path = folder / f"{name}.pdf"
        try:
            compiler = typst.Compiler(folder / f"{template}.typ", root=folder, font_paths=self.fonts.loaded)
            # Untagged: these are for the printer, and tags double the time and the memory.
            # Typst takes whole seconds only.
            compiler.compile(output=path, format="pdf", pdf_tags=False, timestamp=now.replace(microsecond=0))
        except typst.TypstError as error:
            raise TemplateError(template, error.diagnostic) from None
        return path, compiler

    def _check_windows(
        self,
        template: str,
        letters: Sequence[Mapping[str, Any]],
        compiler: "typst.Compiler",
        content: bytes,
        folder: Path,
    ) -> None:
        """Look for addresses in the PDF itself, where the template says that they are.

        It must say the same place for every letter of a run. The first and the last letter of the first
        bundle are looked at: reading a page takes as long as setting a hundred.
        """
        windows = _told_once(compiler, "windows")
        if not windows:
            return  # an enclosure, which has no address
        noted = folder / WINDOW
        known = json.loads(noted.read_text("ascii")) if noted.exists() else None
        boxes = [told["box"] for told in windows]
        if len(windows) != len(letters) or any(box != (known or boxes[0]) for box in boxes):
            raise MeasureError(template, "window")
        if known is not None:
            return
        pages = PdfPages(content)
        for told, letter in ((windows[0], letters[0]), (windows[-1], letters[-1])):
            if not pages.shows(told["page"] - 1, told["box"], letter["address"][:_RECOGNISED]):
                raise MeasureError(template, "window")
        noted.write_text(json.dumps(boxes[0]), "ascii")


def _told(compiler: "typst.Compiler", label: str) -> list[Any]:
    """Return what the template told under a label; after a compilation it costs nothing."""
    told: list[Any] = json.loads(compiler.query(f"<{label}>", field="value"))
    return told


def _told_once(compiler: "typst.Compiler", label: str) -> list[dict[str, Any]]:
    """Return the list that the template told under a label, or none."""
    told: list[dict[str, Any]] = next(iter(_told(compiler, label)), [])
    return told


def _pages(template: str, starts: Sequence[Mapping[str, Any]], total: int) -> dict[int, int]:
    first = [int(told["page"]) for told in starts]
    ends = [*first[1:], total + 1]
    if first and (first[0] != 1 or any(end <= start for start, end in zip(first, ends, strict=True))):
        raise MeasureError(template, "pages")
    return {told["sequence"]: end - start for told, start, end in zip(starts, first, ends, strict=True)}


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
