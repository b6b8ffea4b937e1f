"""The few widgets that deform does not have as the portal needs them."""

import colander
import deform
from deform.widget import SequenceWidget, TextInputWidget


class DateTextWidget(TextInputWidget):
    """A text box for a date in any usual writing; what was typed is kept as typed.

    With ``today`` among the schema's bindings it offers today and yesterday as buttons; ``quick=False``
    leaves them out (birth dates).
    """

    template = "dateinput"
    readonly_template = "readonly/textinput"
    quick = True


class RowsWidget(SequenceWidget):
    """A sequence that grows without script: ``blank_rows`` empty rows follow, and blank rows are dropped."""

    blank_rows = 2
    requirements = ()

    def serialize(self, field: deform.Field, cstruct: object, **kw: object) -> str:
        """Return the rows as HTML, blank ones after those that are filled."""
        filled = getattr(field, "sequence_fields", None)
        if not kw.get("readonly", self.readonly):
            rows = list(cstruct) if isinstance(cstruct, list) else []
            blanks = [field.children[0].clone() for _ in range(self.blank_rows)]
            if filled:
                field.sequence_fields = [*filled, *blanks]
            cstruct = [*rows, *([colander.null] * self.blank_rows)]
        drawn: str = super().serialize(field, cstruct, **kw)
        if filled:
            field.sequence_fields = filled
        return drawn

    def deserialize(self, field: deform.Field, pstruct: object) -> list[object]:
        """Return the rows in which something stands."""
        if isinstance(pstruct, list):
            pstruct = [row for row in pstruct if not _is_blank(row)]
        rows: list[object] = super().deserialize(field, pstruct)
        return rows


def _is_blank(row: object) -> bool:
    if isinstance(row, dict):
        return all(_is_blank(value) for value in row.values())
    if isinstance(row, list):
        return all(_is_blank(value) for value in row)
    return row is colander.null or (isinstance(row, str) and not row.strip())
