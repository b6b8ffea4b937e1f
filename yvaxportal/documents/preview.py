"""Letters as pictures, to be looked at before anything is printed."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from yvaxportal.documents.setting import TemplateError, Typesetter

_PIXELS_PER_INCH = 72.0


def preview(typesetter: Typesetter, template: str, data: Mapping[str, Any], *, now: datetime) -> list[bytes]:
    """Return the pages that ``data`` gives as PNG, one for each page.

    :raises TemplateError: the template has a mistake. :raises MeasureError: as ``set_letters``.
    :raises FormOverflowError: what is the same in every letter does not fit.
    """
    import typst  # noqa: PLC0415 - as in documents.fonts

    with TemporaryDirectory(prefix="yvax-preview-") as name:
        folder = Path(name)
        typesetter.set_letters(template, data, folder, "preview", now=now)
        try:
            found = typst.compile(
                folder / f"{template}.typ",
                root=folder,
                font_paths=typesetter.fonts.loaded,
                format="png",
                ppi=_PIXELS_PER_INCH,
            )
        except typst.TypstError as error:
            raise TemplateError(template, error.diagnostic) from None
    # The stub says bytes; several pages come as a list of them.
    pages = cast("bytes | list[bytes]", found)
    return pages if isinstance(pages, list) else [pages]
