"""Which encoding a file is in: found by reading all of it, shown, and settled by the sender where it is open.

Never guessed: an answer is ``sure`` only where no other encoding could have given these bytes as Japanese
text; otherwise the sender chooses, with the beginning of the file before their eyes.
"""

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

UTF_8, CP932, UTF_16_LE, UTF_16_BE = "utf-8", "cp932", "utf-16-le", "utf-16-be"
#: In the order in which they are offered.
ENCODINGS = (UTF_8, CP932, UTF_16_LE, UTF_16_BE)

_MARKS = ((codecs.BOM_UTF8, UTF_8), (codecs.BOM_UTF16_LE, UTF_16_LE), (codecs.BOM_UTF16_BE, UTF_16_BE))
# Of the bytes of Japanese or plain text in UTF-16, at least this share is zero (digits, commas, line ends).
_ZEROS = 0.1
_BY_CHANCE = 0.01
# Two bytes of UTF-8 make Latin, Greek, Cyrillic...: what half-width kana in CP932 can be taken for.
_TWO_BYTES_ONLY = re.compile("[\u0080-\u07ff]")
_THREE_BYTES = re.compile("[\u0800-\uffff\U00010000-\U0010ffff]")
_HALF_WIDTH_KANA = re.compile("[\uff61-\uff9f]")


@dataclass(frozen=True, slots=True)
class Found:
    """One encoding that the file can be in. ``broken`` lines do not decode."""

    encoding: str
    sure: bool
    mark: bool = False
    broken: int = 0


@dataclass
class Detector:
    """Takes the file piece by piece, as it arrives; ``found`` answers at the end."""

    _head: bytes = b""
    _zeros: list[int] = field(default_factory=lambda: [0, 0])
    _size: int = 0
    _rest: bytes = b""
    _broken: dict[str, int] = field(default_factory=lambda: {UTF_8: 0, CP932: 0})
    _high: int = 0
    _three: int = 0
    _two: int = 0
    _half_width: int = 0
    _cp932_high: int = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next piece."""
        self._head = (self._head + chunk[:4])[:4]
        begin = self._size % 2
        self._zeros[0] += chunk[begin::2].count(0)
        self._zeros[1] += chunk[1 - begin :: 2].count(0)
        self._size += len(chunk)
        data = self._rest + chunk
        cut = data.rfind(b"\n") + 1
        if not cut and len(data) < (1 << 22):
            self._rest = data
            return
        self._rest = data[cut:]
        self._read(data[:cut] if cut else data)
        if not cut:
            self._rest = b""

    def _read(self, data: bytes) -> None:
        if data.isascii():
            return
        self._high += 1
        for encoding in (UTF_8, CP932):
            text = _decoded(data, encoding)
            if text is None:
                lines = data.split(b"\n")
                good = [line for line in (_decoded(one, encoding) for one in lines) if line is not None]
                self._broken[encoding] += len(lines) - len(good)
                text = "\n".join(good)
            if encoding == UTF_8:
                self._three += len(_THREE_BYTES.findall(text))
                self._two += len(_TWO_BYTES_ONLY.findall(text))
            else:
                half = len(_HALF_WIDTH_KANA.findall(text))
                self._half_width += half
                self._cp932_high += sum(1 for char in text if char > "\x7f") - half

    def found(self) -> list[Found]:
        """Return what the file can be in, the likeliest first; more than one, or none sure: ask."""
        self._read(self._rest)
        self._rest = b""
        for mark, encoding in _MARKS:
            if self._head.startswith(mark):
                broken = self._broken[UTF_8] if encoding == UTF_8 else 0
                return [Found(encoding, sure=not broken, mark=True, broken=broken)]
        wide = self._wide()
        if wide:
            return [Found(wide, sure=True)]
        if not self._high:
            # Plain ASCII reads alike in both.
            return [Found(UTF_8, sure=True)]
        return self._narrow()

    def _wide(self) -> str | None:
        half = max(self._size // 2, 1)
        if self._size < 4:  # noqa: PLR2004 - two characters of UTF-16
            return None
        even, odd = self._zeros
        if odd / half > _ZEROS and odd > 4 * even:
            return UTF_16_LE
        if even / half > _ZEROS and even > 4 * odd:
            return UTF_16_BE
        return None

    def _narrow(self) -> list[Found]:
        utf_8 = Found(UTF_8, sure=False, broken=self._broken[UTF_8])
        cp932 = Found(CP932, sure=False, broken=self._broken[CP932])
        if not utf_8.broken and self._three and self._three >= self._two:
            return [Found(UTF_8, sure=True)]
        # Lines that are whole Japanese in UTF-8 do not come about by chance.
        mixed = self._three > self._cp932_high * _BY_CHANCE
        if utf_8.broken and not cp932.broken and not mixed and self._cp932_high >= self._half_width:
            return [Found(CP932, sure=True)]
        return sorted((utf_8, cp932), key=lambda one: one.broken)


def detect(chunks: Iterable[bytes]) -> list[Found]:
    """Return what a whole file can be in."""
    detector = Detector()
    for chunk in chunks:
        detector.feed(chunk)
    return detector.found()


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None
