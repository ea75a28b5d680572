"""What the option schemas of all members have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonschema


def check_schema(own_schema: Mapping[str, Any]) -> None:
    """Assert that it is a JSON Schema of a closed mapping, each of whose keys is described.

    The description is what a user reads who has misspelt something.
    """
    jsonschema.Draft202012Validator.check_schema(own_schema)
    assert own_schema.get("type") == "object", "OPTIONS describe a mapping"
    assert own_schema.get("additionalProperties") is False, "OPTIONS must refuse keys that they do not know"
    for name, part in own_schema.get("properties", {}).items():
        assert part.get("description"), f'the option "{name}" has no description'


def check_accepted(own_schema: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Assert that these options are allowed, and are not with another key beside them."""
    validator = jsonschema.Draft202012Validator(own_schema)
    validator.validate(options)
    assert not validator.is_valid({**options, "no_such_option": 1}), "an unknown option is accepted"


def check_refused(own_schema: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Assert that these options are not allowed."""
    assert not jsonschema.Draft202012Validator(own_schema).is_valid(options), f"{options} are accepted"
