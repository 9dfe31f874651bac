"""The console takes and shows the same things under the same names as the API."""

import json
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError

from controller.api.problems import fields_of
from controller.api.writing import as_json
from controller.errors import BadInput


def checked(schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    """The input as the domain takes it. Raises BadInput, naming each field."""
    try:
        return dict(schema.load(given))
    except ValidationError as refusal:
        raise BadInput(dict(fields_of({"console": refusal.messages_dict}))) from refusal


def shown(schema: type[Schema], thing: Any) -> dict[str, Any]:
    """The thing as the API shows it, ready for JSON."""
    record: dict[str, Any] = json.loads(as_json(schema().dump(thing)))
    return record
