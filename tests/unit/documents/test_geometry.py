"""What must stand where on paper, measured in the PDF and read back by other people's programs."""

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from pypdf import PageObject, PdfReader
from pypdf.generic import ContentStream

from tests.unit.documents.conftest import CODE, LINE, MM, Setter, letter, placed_texts
from yvaxportal.documents.pdf_reading import PdfPages, count_pages

# The sticker's frame on the sheet (docs/letters.md): 63 mm x 34 mm.
STICKER = (24.0, 220.0, 63.0, 34.0)
# Of the A4 sheet, what shows in the window of the envelope however the sheet lies in it.
WINDOW = (24.0, 14.0, 78.0, 33.0)
DPI = 300


def picture(path: Path, page: int = 1, *, box: tuple[float, float, float, float] | None = None) -> Path:
    """Return a page, or a box of it in mm, as PNG."""
    target = path.with_suffix("")
    crop: list[str] = []
    if box is not None:
        x, y, width, height = (round(side / 25.4 * DPI) for side in box)
        crop = ["-x", str(x), "-y", str(y), "-W", str(width), "-H", str(height)]
    command = ["pdftoppm", "-r", str(DPI), "-f", str(page), "-l", str(page), *crop, "-singlefile", "-png"]
    subprocess.run([*command, path, target], check=True)
    return target.with_suffix(".png")


def decoded(image: Path) -> str:
    told = subprocess.run(
        ["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", image],
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.strip()


@pytest.mark.parametrize(
    ("template", "width", "height", "pages"),
    [
        ("ticket", 210, 297, 1),
        ("questionnaire", 210, 297, 1),
        ("record_certificate", 210, 297, 1),
        ("invitation", 100, 148, 2),
        ("reminder", 100, 148, 2),
    ],
)
def test_paper_and_pages(set_letters: Setter, template: str, width: int, height: int, pages: int) -> None:
    made = set_letters(template, letter(1), letter(2))
    reader = PdfReader(made.pdf)
    assert made.pages == {1: pages, 2: pages}
    assert count_pages(made.pdf.read_bytes()) == len(reader.pages) == 2 * pages
    for page in reader.pages:
        size = float(page.mediabox.width) / MM, float(page.mediabox.height) / MM
        assert size == pytest.approx((width, height), abs=0.1)


@pytest.mark.parametrize("template", ["ticket", "record_certificate"])
def test_the_address_shows_in_the_window_and_nothing_else_does(set_letters: Setter, template: str) -> None:
    made = set_letters(template)
    seen = "".join(PdfPages(made.pdf.read_bytes()).text_in(0, WINDOW).split())
    assert seen == "〒683-0001鳥取県見本市東町１丁目２番地３見本花子様の保護者様"


def test_the_line_of_the_ticket(set_letters: Setter) -> None:
    made = set_letters("ticket")
    ((_text, x, y),) = [placed for placed in placed_texts(made.pdf) if placed[0] == LINE]
    left, top, width, height = STICKER
    # OCR-B 9 pt: an advance of 0.723 em, figures about 0.72 em high.
    size, advance = 9 / MM, 0.723 * 9 / MM
    assert left + 1 <= x
    assert x + 18 * advance <= left + width - 1
    assert y + 1 <= top + height, "1 mm free below the figures"
    others = placed_texts(made.pdf)
    above = [down for _text, across, down in others if top < down < y - 0.1 and across < left + 63]
    assert max(above) + 1 <= y - 0.72 * size, "1 mm free above the figures"
    told = subprocess.run(["pdffonts", made.pdf], capture_output=True, text=True, check=True)
    assert "OCRB" in told.stdout


def test_the_code_is_ten_millimetres_inside_eleven_clear_ones(set_letters: Setter) -> None:
    made = set_letters("ticket")
    page = PdfReader(made.pdf).pages[0]
    (matrix,) = [
        operands
        for operands, operator in drawing(page)
        if operator == b"cm" and operands[0] == pytest.approx(10 * MM, abs=0.01)
    ]
    side, _b, _c, depth, x, y = (float(number) for number in matrix)
    assert (abs(side), abs(depth)) == pytest.approx((10 * MM, 10 * MM), abs=0.01)
    right = STICKER[0] + STICKER[2]
    found = x / MM, (float(page.mediabox.height) - y) / MM - 10
    if depth < 0:
        found = x / MM, y / MM
    assert found[0] + 10 + 0.5 <= right, "half a millimetre is clear on the right"
    texts = [placed for placed in placed_texts(made.pdf) if abs(placed[2] - 225) < 6]
    assert all(not (found[0] - 0.5 < x < found[0] + 10.5) for _text, x, _y in texts)


def drawing(page: PageObject) -> list[tuple[list[float], bytes]]:
    return ContentStream(page.get_contents(), None).operations


def test_scanners_read_the_ticket(set_letters: Setter) -> None:
    made = set_letters("ticket")
    assert decoded(picture(made.pdf)) == LINE


def test_scanners_read_the_questionnaire(set_letters: Setter) -> None:
    made = set_letters("questionnaire")
    assert decoded(picture(made.pdf)) == CODE


def test_an_optical_reader_reads_the_line(set_letters: Setter) -> None:
    made = set_letters("ticket")
    ((_text, x, y),) = [placed for placed in placed_texts(made.pdf) if placed[0] == LINE]
    image = picture(made.pdf, box=(x - 1.2, y - 4.2, 44, 5.8))
    options = ["--psm", "7", "-c", "tessedit_char_whitelist=0123456789"]
    told = subprocess.run(["tesseract", image, "-", *options], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == LINE


def test_the_postal_code_stands_in_the_frames_of_the_postcard(set_letters: Setter) -> None:
    made = set_letters("invitation")
    digits = [placed for placed in placed_texts(made.pdf) if 11 < placed[2] < 21]
    assert "".join(text for text, _x, _y in digits) == "6830001"
    places = [x for _text, x, _y in digits]
    assert all(44.3 <= x <= 92 for x in places)
    assert [round(after - before, 1) for before, after in pairwise(places)][:2] == [7.0, 7.0]


def test_every_font_is_embedded(set_letters: Setter) -> None:
    made = set_letters("questionnaire")
    told = subprocess.run(["pdffonts", made.pdf], capture_output=True, text=True, check=True)
    rows = told.stdout.splitlines()[2:]
    assert rows
    assert all(row.split()[-5] == "yes" for row in rows)
