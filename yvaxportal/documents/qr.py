"""QR codes of digits, many a second: what is on tickets (券面の二次元コード) and on questionnaires.

With version, level and mask fixed, every module of a QR code (JIS X 0510) is a sum modulo 2 of the data
bits: interleaving and masking only place them, and the error correction is linear. So one code is made by
the library for "all zeros" and one for each bit that differs from it; every other code is those laid over
one another, which costs microseconds. A test has the library make the same codes.
"""

_GROUP = 3  # digits that are encoded together, in ten bits


class DigitCode:
    """All QR codes (Model 2) of texts of ``digits`` decimal digits.

    :param digits: a multiple of three, so that each ten bits of the data are three digits.
    :param version: 1 to 40; :param error: level ``L``, ``M``, ``Q`` or ``H``; :param mask: 0 to 7.
    """

    def __init__(self, digits: int, *, version: int, error: str, mask: int = 0) -> None:
        if digits % _GROUP:
            raise ValueError("the digits must be a multiple of three")
        self.digits, self._version, self._error, self._mask = digits, version, error, mask
        self.size = 17 + 4 * version
        self._zero = self._made("0" * digits)
        self._groups = [self._group(first) for first in range(0, digits, _GROUP)]

    def modules(self, text: str) -> str:
        """Return the modules row by row, ``1`` for dark: ``size`` times ``size`` characters.

        :raises ValueError: the text is not the number of ASCII digits that this draws.
        """
        if len(text) != self.digits or not (text.isascii() and text.isdigit()):
            raise ValueError(f"wanted {self.digits} ASCII digits")
        found = self._zero
        for place, group in enumerate(self._groups):
            found ^= group[int(text[_GROUP * place : _GROUP * place + _GROUP])]
        return f"{found:0{self.size**2}b}"

    def _group(self, first: int) -> list[int]:
        """Return, for each value of three digits at ``first``, which modules it turns over."""
        rest = self.digits - first - _GROUP
        bits = [self._made("0" * first + f"{1 << bit:03d}" + "0" * rest) ^ self._zero for bit in range(10)]
        turned = []
        for value in range(10**_GROUP):
            modules = 0
            for bit, over in enumerate(bits):
                if value >> bit & 1:
                    modules ^= over
            turned.append(modules)
        return turned

    def _made(self, text: str) -> int:
        import segno  # noqa: PLC0415 - only where letters are set

        code = segno.make_qr(
            text,
            version=self._version,
            error=self._error,
            mask=self._mask,
            mode="numeric",
            boost_error=False,
        )
        return int("".join(str(module) for row in code.matrix for module in row), 2)
