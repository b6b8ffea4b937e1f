"""A personal number on its way to the one who may read it: from the vault, or between systems."""


class PersonalNumber:
    """Twelve digits that no accident prints: only ``reveal`` gives them out."""

    __slots__ = ("_digits",)

    def __init__(self, digits: str) -> None:
        self._digits = digits

    def reveal(self) -> str:
        """Return the twelve digits."""
        return self._digits

    def __repr__(self) -> str:
        return "<PersonalNumber>"

    def __format__(self, specification: str) -> str:
        del specification
        return "<PersonalNumber>"

    def __reduce__(self) -> str:
        raise TypeError("a personal number is not serialised")
