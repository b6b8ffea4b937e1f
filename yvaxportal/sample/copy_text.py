"""Values as PostgreSQL's COPY reads them in its text format."""

from datetime import date, datetime

NULL = "\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def field(value: object) -> str:
    """Return one value: None, text (code lists are text), numbers, truth, days, moments, bytes."""
    if value is None:
        return NULL
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, bytes):
        return f"\\\\x{value.hex()}"
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)


def line(*values: object) -> str:
    """Return one row with its line end."""
    return "\t".join([field(value) for value in values]) + "\n"
