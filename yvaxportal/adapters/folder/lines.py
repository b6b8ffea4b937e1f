"""From the bytes of a file to its lines, a block at a time: memory does not grow with the file.

Lines end with CR LF or LF. A line break inside a value is not possible: what stands between two ends is one
record, so that a stray quotation mark spoils one line and not the rest of the file.
"""

import codecs
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import BinaryIO

from yvaxportal.adapters.folder.faults import ENCODING, TOO_LARGE, FileFaultError

BLOCK = 1 << 18
#: Longer lines are none of ours: a file that was never text must not fill the memory.
LONGEST_LINE = 1 << 16
_END_OF_FILE = "\x1a"


class Encoding(StrEnum):
    """How characters are written. UTF-8 is read with and without BOM, UTF-16 without one as little endian."""

    CP932 = "cp932"
    UTF_8 = "utf-8"
    UTF_8_BOM = "utf-8-sig"
    UTF_16 = "utf-16"


Block = list[str | bytes]
Watch = Callable[[bytes], object]


def blocks(file: BinaryIO, encoding: Encoding, watch: Watch, *, undecoded: bool = False) -> Iterator[Block]:
    """Give the lines of a file, some at a time, without their ends.

    A line of bytes is one that cannot be decoded, or any when ``undecoded``: fixed length in CP932 is cut
    before it is decoded.

    :param watch: gets every piece of bytes that is read, for a digest.
    :raises FileFaultError: a line is too long; UTF-16 that is none.
    """
    if encoding is Encoding.UTF_16:
        yield from _wide_blocks(file, watch)
        return
    for first, piece in _whole_lines(file, watch):
        if first and encoding is not Encoding.CP932:
            piece = piece.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901 - the mark is not part of the line
        yield _split(piece, "cp932" if encoding is Encoding.CP932 else "utf-8", undecoded=undecoded)


def _split(piece: bytes, codec: str, *, undecoded: bool) -> Block:
    if not undecoded:
        try:
            return _text_lines(piece.decode(codec))
        except UnicodeDecodeError:
            pass
    found: Block = []
    for line in piece.removesuffix(b"\n").split(b"\n"):
        bare = line.removesuffix(b"\r")
        if undecoded:
            found.append(bare)
            continue
        try:
            found.append(bare.decode(codec))
        except UnicodeDecodeError:
            found.append(bare)
    return found


def _text_lines(text: str) -> Block:
    return [*text.removesuffix("\n").removesuffix("\r").replace("\r\n", "\n").split("\n")]


def _whole_lines(file: BinaryIO, watch: Watch) -> Iterator[tuple[bool, bytes]]:
    """Give pieces that end with a line, and whether each is the first."""
    rest, first = b"", True
    while piece := file.read(BLOCK):
        watch(piece)
        rest += piece
        end = rest.rfind(b"\n") + 1
        if not end and len(rest) > LONGEST_LINE:
            raise FileFaultError(TOO_LARGE)
        if end:
            yield first, rest[:end]
            rest, first = rest[end:], False
    # What DOS and its heirs put after the last line is no line.
    rest = rest.removesuffix(_END_OF_FILE.encode())
    if rest:
        yield first, rest


def _wide_blocks(file: BinaryIO, watch: Watch) -> Iterator[Block]:
    head = file.read(2)
    watch(head)
    big = head == codecs.BOM_UTF16_BE
    decoder = codecs.getincrementaldecoder("utf-16-be" if big else "utf-16-le")()
    pending = b"" if head in {codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE} else head
    rest = ""
    while True:
        piece = file.read(BLOCK)
        watch(piece)
        try:
            rest += decoder.decode(pending + piece, final=not piece)
        except UnicodeDecodeError:
            raise FileFaultError(ENCODING) from None
        pending = b""
        end = rest.rfind("\n") + 1
        if not end and len(rest) > LONGEST_LINE:
            raise FileFaultError(TOO_LARGE)
        if end:
            yield _text_lines(rest[:end])
            rest = rest[end:]
        if not piece:
            break
    rest = rest.removesuffix(_END_OF_FILE)
    if rest:
        yield _text_lines(rest)
