"""What letters are printed with: fonts, templates, codes, and who sends them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from yvaxportal.documents.fonts import MINCHO, LetterFonts, find_fonts
from yvaxportal.documents.glyphs import Glyphs
from yvaxportal.documents.qr import DigitCode
from yvaxportal.documents.setting import Typesetter
from yvaxportal.documents.template_folder import TemplateFolderError, Templates
from yvaxportal.programme.schedule import Schedule
from yvaxportal.settings import Settings, SettingsError


class SenderUnknownError(Exception):
    """The settings do not say who sends the letters. ``names`` are the ini names that are missing."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(f"letters need {', '.join(names)}")
        self.names = names


@dataclass(frozen=True, slots=True)
class Office:
    """Who sends the letters, as they say it; an empty text is what the settings do not say.

    ``municipality`` and its six-digit ``code``; ``office``, ``postal`` code, ``address`` and ``phone`` of who
    answers questions; ``issuer``: in whose name the letters are (市町村長).
    """

    municipality: str
    code: str
    office: str
    postal: str
    address: str
    phone: str
    issuer: str

    def said(self) -> Mapping[str, str]:
        """Return it as templates name it.

        :raises SenderUnknownError: some of it is not said.
        """
        found = asdict(self)
        if missing := tuple(_SETTINGS[name] for name, value in found.items() if not value):
            raise SenderUnknownError(missing)
        return found


_SETTINGS = {
    "municipality": "yvaxportal.municipality_name",
    "code": "yvaxportal.municipality_code",
    "office": "yvaxportal.documents.office",
    "postal": "yvaxportal.documents.office_postal_code",
    "address": "yvaxportal.documents.office_address",
    "phone": "yvaxportal.documents.office_phone",
    "issuer": "yvaxportal.documents.issuer",
}


@dataclass(frozen=True)
class LetterPress:
    """Templates are read at the start; fonts are looked for when the first letter is set.

    A portal without the fonts runs, and says which are missing where letters are asked for.

    :param fonts_folder: where fonts are looked for beside the system's own folders.
    :param bundle_size: how many letters are one bundle.
    """

    office: Office
    templates: Templates
    schedule: Schedule
    fonts_folder: Path | None = None
    bundle_size: int = 500

    @cached_property
    def fonts(self) -> LetterFonts:
        """Return the fonts; FontMissingError names those that are not installed."""
        return find_fonts(self.fonts_folder)

    @cached_property
    def typesetter(self) -> Typesetter:
        """Return what sets letters; FontMissingError as above."""
        return Typesetter(self.templates, self.fonts)

    @cached_property
    def glyphs(self) -> Glyphs:
        """Return the characters that names may have; FontMissingError as above."""
        return Glyphs.of(self.fonts.paths[MINCHO])

    @cached_property
    def ticket_code(self) -> DigitCode:
        """Return the QR code of a ticket: 18 digits in version 1, level Q."""
        return DigitCode(18, version=1, error="Q")

    @cached_property
    def questionnaire_code(self) -> DigitCode:
        """Return the QR code of a questionnaire: 48 digits in version 2, level M."""
        return DigitCode(48, version=2, error="M")


def open_press(settings: Settings, schedule: Schedule) -> LetterPress:
    """Read the templates that the settings name.

    :raises SettingsError: the folder of templates cannot be used; file and reason in one line.
    """
    try:
        templates = Templates.read(settings.templates_folder)
    except TemplateFolderError as error:
        raise SettingsError("yvaxportal.documents.templates_folder", " ".join(str(error).split())) from None
    office = Office(
        municipality=settings.municipality_name,
        code=settings.municipality_code,
        office=settings.office or "",
        postal=settings.office_postal_code or "",
        address=settings.office_address or "",
        phone=settings.office_phone or "",
        issuer=settings.issuer or "",
    )
    return LetterPress(office, templates, schedule, settings.fonts_folder, settings.bundle_size)
