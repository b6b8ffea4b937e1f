"""Joining PDFs that the typesetter wrote into one, as a stream: 10,000 pages in a fraction of a second.

A general library reads every object of every page, which takes longer than setting the letters did. What the
typesetter writes is plain: numbered objects one after another, a classic table of where they begin, nothing
compressed but streams. So objects are copied with their numbers moved on, and a new page tree names all
pages. Anything else than that form is refused, and the caller counts the pages afterwards.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_REFERENCE = re.compile(rb"(?<![\d.])(\d+) 0 R\b")
_OBJECT = re.compile(rb"(\d+) 0 obj\n")
_STREAM = re.compile(rb"\nstream\r?\n")
_TRAILER = re.compile(rb"trailer\n<<(.*)>>\nstartxref\n(\d+)\n%%EOF\s*\Z", re.DOTALL)
_PAGES = re.compile(rb"/Type/Pages/Count (\d+)/Kids\[([^\]]*)\]")
_ROW = 20  # bytes of one line of the table
_HEADER = b"%PDF-1.7\n%\x80\x80\x80\x80\n"
#: Objects of the whole: its catalogue and its page tree.
_CATALOGUE, _TREE, _FIRST_FREE = 1, 2, 3


class UnknownFormError(Exception):
    """A file is not the plain PDF that the typesetter writes."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name} is no PDF that can be joined")


@dataclass(frozen=True, slots=True)
class _Part:
    """One file taken apart: the bytes of its objects by number, its page tree's number, its pages."""

    objects: list[tuple[int, bytes]]
    tree: int
    pages: list[int]
    size: int


def join(paths: Sequence[Path], target: Path) -> int:
    """Write the pages of all files, in this order, to ``target`` and return how many there are.

    One file at a time is in memory. Titles, outlines and the like of the parts are left out.

    :raises UnknownFormError: one of the files is another kind of PDF; ``target`` is removed.
    """
    try:
        with target.open("wb") as out:
            return _write(paths, out)
    except UnknownFormError:
        target.unlink(missing_ok=True)
        raise


def _write(paths: Sequence[Path], out: IO[bytes]) -> int:
    places: dict[int, int] = {}
    pages: list[int] = []
    free = _FIRST_FREE
    at = out.write(_HEADER)
    for path in paths:
        part = _take_apart(path)
        moved_by = free
        for number, body in part.objects:
            places[number + moved_by] = at
            at += out.write(b"%d 0 obj\n" % (number + moved_by) + _moved(body, part.tree, moved_by))
        pages += [page + moved_by for page in part.pages]
        free += part.size
    kids = b" ".join(b"%d 0 R" % page for page in pages)
    for number, body in (
        (_TREE, b"<</Type/Pages/Count %d/Kids[%b]>>" % (len(pages), kids)),
        (_CATALOGUE, b"<</Type/Catalog/Pages %d 0 R>>" % _TREE),
    ):
        places[number] = at
        at += out.write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
    out.write(b"xref\n0 %d\n" % free)
    out.write(b"0000000000 65535 f\r\n")
    for number in range(1, free):
        place = places.get(number)
        out.write(b"0000000000 65535 f\r\n" if place is None else b"%010d 00000 n\r\n" % place)
    out.write(b"trailer\n<</Size %d/Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (free, _CATALOGUE, at))
    return len(pages)


def _take_apart(path: Path) -> _Part:
    content = path.read_bytes()
    end = _TRAILER.search(content, max(0, len(content) - 1024))
    if end is None or not content.startswith(b"%PDF-"):
        raise UnknownFormError(path)
    table = int(end[2])
    found = re.compile(rb"xref\n0 (\d+)\n").match(content, table)
    if found is None:
        raise UnknownFormError(path)
    size = int(found[1])
    begins = sorted(_begins(content, found.end(), size, path))
    ends = [place for place, _number in begins[1:]] + [table]
    objects, tree = [], None
    for (place, number), stop in zip(begins, ends, strict=True):
        head = _OBJECT.match(content, place)
        if head is None or int(head[1]) != number:
            raise UnknownFormError(path)
        body = content[head.end() : stop]
        # The catalogue and the tree of the part are replaced by those of the whole.
        if body.startswith(b"<</Type/Catalog"):
            continue
        if (pages := _PAGES.search(body)) is not None and _STREAM.search(body) is None:
            if tree is not None:
                raise UnknownFormError(path)
            tree = (number, pages)
            continue
        objects.append((number, body))
    if tree is None:
        raise UnknownFormError(path)
    kids = [int(number) for number in _REFERENCE.findall(tree[1][2])]
    if len(kids) != int(tree[1][1]):
        raise UnknownFormError(path)
    return _Part(objects, tree[0], kids, size)


def _begins(content: bytes, start: int, size: int, path: Path) -> Iterator[tuple[int, int]]:
    for number in range(size):
        row = content[start + _ROW * number : start + _ROW * (number + 1)]
        if len(row) != _ROW or row[17:18] not in b"nf":
            raise UnknownFormError(path)
        if row[17:18] == b"n":
            yield int(row[:10]), number


def _moved(body: bytes, tree: int, by: int) -> bytes:
    """Return an object with the numbers that it refers to moved on; what a stream holds stays as it is."""
    stream = _STREAM.search(body)
    cut = len(body) if stream is None else stream.start()

    def move(found: re.Match[bytes]) -> bytes:
        number = int(found[1])
        return b"%d 0 R" % (_TREE if number == tree else number + by)

    return _REFERENCE.sub(move, body[:cut]) + body[cut:]
