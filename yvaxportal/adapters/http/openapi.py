"""A system's OpenAPI 3.1 document as operations with compiled validators.

The document is JSON and package data of the adapter. Beside the standard it may say, for an operation:

``x-safe``: a POST that only reads (a personal number travels in a body, never in an address).
``x-what``: what a 404 with the code ``not_found`` is about, such as ``person``.
``x-codes``: codes with which the other side may refuse, beside the common ones.
``x-interface-id``: the published id of the interface, such as ``IF_SKI_10111``.
``x-item-schema``: the schema of each record of a list, checked one by one: a bad one does not spoil the rest.
``x-begin-schema``: the schema of the first line of a stream (``application/x-ndjson``).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from jsonschema_rs import Draft202012Validator

_METHODS = ("get", "post", "put", "patch", "delete")
_JSON = "application/json"
_LINES = "application/x-ndjson"
_ANYTHING: Mapping[str, Any] = {}


class ProtocolError(ValueError):
    """The document that ships with an adapter is wrong. The text names the place."""


@dataclass(frozen=True)
class Operation:
    """One operation of a protocol.

    :param path: a template such as ``/persons/{atenabango}``, appended to the base address.
    :param safe: repeating it changes nothing.
    :param answer: validator of a 2xx body, or of one line of a stream; None when there is no body.
    :param begin: validator of the first line's content; None where there is no stream.
    :param item: validator of one record of a list, where a bad record is not to spoil the others.
    """

    name: str
    method: str
    path: str
    safe: bool
    what: str
    codes: frozenset[str]
    interface_id: str
    answer: Draft202012Validator | None = field(repr=False)
    begin: Draft202012Validator | None = field(repr=False)
    item: Draft202012Validator | None = field(repr=False)

    @property
    def streams(self) -> bool:
        """Tell whether the answer comes line by line."""
        return self.begin is not None


class Protocol:
    """The operations of one document, by ``operationId``."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        if not str(document.get("openapi", "")).startswith("3.1"):
            raise ProtocolError("/openapi: must be 3.1")
        self._components = document.get("components", {})
        self.version = str(document.get("info", {}).get("version", ""))
        self.operations: dict[str, Operation] = {}
        for path, item in document.get("paths", {}).items():
            for method in _METHODS:
                if method in item:
                    self._add(method, path, item[method])

    @classmethod
    def load(cls, package: str, name: str) -> "Protocol":
        """Return the protocol of a JSON document that ships with a package."""
        try:
            return cls(json.loads(files(package).joinpath(name).read_text("utf-8")))
        except (OSError, ValueError) as error:
            raise ProtocolError(f"{package}/{name}: {error}") from error

    def operation(self, name: str) -> Operation:
        """Return one operation; ProtocolError for a name that the document does not have."""
        try:
            return self.operations[name]
        except KeyError:
            raise ProtocolError(f"no operation {name}") from None

    def _add(self, method: str, path: str, raw: Mapping[str, Any]) -> None:
        where = f"/paths/{path}/{method}"
        name = raw.get("operationId", "")
        if not name or name in self.operations:
            raise ProtocolError(f"{where}: must have an operationId of its own")
        content = _answer_content(raw, where)
        streams = _LINES in content
        schema = content.get(_LINES if streams else _JSON, {}).get("schema", _ANYTHING)
        self.operations[name] = Operation(
            name=name,
            method=method.upper(),
            path=path,
            safe=method == "get" or bool(raw.get("x-safe")),
            what=str(raw.get("x-what", "record")),
            codes=frozenset(raw.get("x-codes", ())),
            interface_id=str(raw.get("x-interface-id", "")),
            answer=self._compiled(schema, where) if content else None,
            begin=self._compiled(raw.get("x-begin-schema", _ANYTHING), where) if streams else None,
            item=self._compiled(raw["x-item-schema"], where) if "x-item-schema" in raw else None,
        )

    def _compiled(self, schema: Mapping[str, Any], where: str) -> Draft202012Validator:
        whole = {"allOf": [schema], "components": self._components}
        try:
            return Draft202012Validator(whole, validate_formats=True)
        except ValueError as error:
            raise ProtocolError(f"{where}: the schema is wrong: {error}") from error


def _answer_content(raw: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    answers = {
        status: answer for status, answer in raw.get("responses", {}).items() if status.startswith("2")
    }
    if len(answers) != 1:
        raise ProtocolError(f"{where}: must have exactly one 2xx answer")
    (answer,) = answers.values()
    content: Mapping[str, Any] = answer.get("content", {})
    if content and not content.keys() <= {_JSON, _LINES}:
        raise ProtocolError(f"{where}: answers are {_JSON} or {_LINES}")
    return content
