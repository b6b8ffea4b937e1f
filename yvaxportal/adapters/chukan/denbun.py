"""What is sealed in a message (電文), checked against the schemas of ``openapi.json`` both ways."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema_rs import Draft202012Validator

from yvaxportal.adapters.errors import Refused
from yvaxportal.adapters.http.validation import parse, validate

PACKAGE = "yvaxportal.adapters.chukan"
DOCUMENT = "openapi.json"
#: Which of the national codes a broken rule of a schema is (docs/protocols/rest.md, 4); all others are E0002.
_CODES = {
    "required": "E0001",
    "minLength": "E0001",
    "minItems": "E0001",
    "maxLength": "E0003",
    "maxItems": "E0003",
    "minimum": "E0003",
    "maximum": "E0003",
}


@dataclass(frozen=True)
class Denbun:
    """The two schemas of one operation, and the id of its interface."""

    if_id: str
    request: Draft202012Validator
    answer: Draft202012Validator

    def written(self, system: str, value: Mapping[str, Any]) -> bytes:
        """Return a request as JSON; Refused, as the other side would, for what the schema does not take."""
        try:
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
        except UnicodeEncodeError:
            raise Refused(system, "E0002") from None
        error = next(self.request.iter_errors(value), None)
        if error is not None:
            raise Refused(system, _CODES.get(str(error.schema_path[-1]), "E0002"))
        return text

    def read(self, system: str, text: bytes) -> Any:
        """Return an answer; BadAnswer for what the schema does not take."""
        value = parse(system, text)
        validate(system, self.answer, value)
        return value


@cache
def denbuns() -> Mapping[str, Denbun]:
    """Return the messages of the protocol by ``operationId``."""
    document = json.loads(files(PACKAGE).joinpath(DOCUMENT).read_text("utf-8"))
    components = document["components"]

    def compiled(schema: Mapping[str, Any]) -> Draft202012Validator:
        return Draft202012Validator({"allOf": [schema], "components": components}, validate_formats=True)

    return {
        item["post"]["operationId"]: Denbun(
            if_id=path.rpartition("/")[2],
            request=compiled(item["post"]["x-denbun"]["request"]),
            answer=compiled(item["post"]["x-denbun"]["answer"]),
        )
        for path, item in document["paths"].items()
    }
