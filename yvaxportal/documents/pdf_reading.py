"""Reading back a PDF that the typesetter wrote: how many pages, and what stands where."""

import re
from io import BytesIO
from typing import Any

_PAGE_TREE = re.compile(rb"/Type\s*/Pages\s*/Count\s+(\d+)")
_MM = 72 / 25.4
Box = tuple[float, float, float, float]


def count_pages(content: bytes) -> int:
    """Return the number of pages; ValueError when the file has no page tree to read it from."""
    found = _PAGE_TREE.search(content)
    if found is None:
        raise ValueError("the PDF has no page tree")
    return int(found[1])


class PdfPages:
    """The pages of a PDF, read when they are asked for; opening costs as much as reading one."""

    def __init__(self, content: bytes) -> None:
        # Only the process that sets letters reads pages; it costs a process six megabytes.
        from pypdf import PdfReader  # noqa: PLC0415

        self._reader = PdfReader(BytesIO(content))

    def shows(self, page: int, box: Box, written: str) -> bool:
        """Tell whether ``written`` stands in a box of a page, spaces aside; ``page`` and ``box`` as below."""
        return _plain(written) in _plain(self.text_in(page, box))

    def text_in(self, page: int, box: Box) -> str:
        """Return the text that begins within a box of a page, in the order it was set.

        :param page: counted from 0.
        :param box: left, top, width and height in mm from the page's upper left corner.
        """
        sheet = self._reader.pages[page]
        left, top, width, height = (side * _MM for side in box)
        page_height = float(sheet.mediabox.height)
        found: list[str] = []

        def see(text: str, matrix: list[float], line: list[float], _font: Any, _size: float) -> None:
            # The place of a text is its own matrix, under that of the page.
            x = line[4] * matrix[0] + line[5] * matrix[2] + matrix[4]
            y = line[4] * matrix[1] + line[5] * matrix[3] + matrix[5]
            down = page_height - y
            if left - 1 <= x <= left + width and top <= down <= top + height:
                found.append(text)

        sheet.extract_text(visitor_text=see)
        return "".join(found)


def _plain(text: str) -> str:
    return "".join(text.split())
