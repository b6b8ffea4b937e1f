"""From the bytes of an answer to JSON as the protocol has it, or BadAnswer with a place and no value."""

import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from jsonschema_rs import Draft202012Validator

from yvaxportal.adapters.errors import BadAnswer, BadAnswerReason

_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


def parse(system: str, body: bytes) -> Any:
    """Return UTF-8 JSON; BadAnswer for anything else, and for what PostgreSQL cannot hold."""
    try:
        text = body.decode("utf-8")
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadAnswer(system, BadAnswerReason.MALFORMED, "/") from None
    if "\\u0000" in text or "\\ud" in text.lower():
        _check_characters(system, value)
    return value


def validate(system: str, validator: Draft202012Validator, value: Any) -> None:
    """Raise BadAnswer for a wrong type, a missing or unknown field, too many characters, an unknown code."""
    if validator.is_valid(value):
        return
    error = next(validator.iter_errors(value))
    raise BadAnswer(system, BadAnswerReason.MALFORMED, f"{pointer(error.instance_path)} ({_rule(error)})")


def pointer(path: Sequence[str | int]) -> str:
    """Return a JSON pointer. A key that is no field name may itself be a value: it is shown as ``*``."""
    parts = (str(part) if isinstance(part, int) or _FIELD_NAME.fullmatch(part) else "*" for part in path)
    return "/" + "/".join(parts)


def _rule(error: Any) -> str:
    """Return the keyword of the schema that was broken; for a missing field its name from the schema."""
    keyword = str(error.schema_path[-1])
    missing = getattr(error.kind, "property", None)
    if keyword == "required" and isinstance(missing, str) and _FIELD_NAME.fullmatch(missing):
        return f"required: {missing}"
    return keyword


def _no_constant(_: str) -> NoReturn:
    raise ValueError("not a number of JSON")


def _check_characters(system: str, value: Any) -> None:
    """Refuse NUL and halves of a surrogate pair, which JSON can write and no database holds."""
    try:
        written = json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise BadAnswer(system, BadAnswerReason.MALFORMED, "/") from None
    if rb"\u0000" in written.replace(rb"\\", b""):
        raise BadAnswer(system, BadAnswerReason.MALFORMED, "/")
