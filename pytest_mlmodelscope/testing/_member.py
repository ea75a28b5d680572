"""What members of every kind promise: a description, and options that are described."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

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


class DescribedTests:
    """A member says what it is."""

    def module(self) -> Any:
        """The member under test."""
        raise NotImplementedError

    def test_it_says_what_it_is(self) -> None:
        """The first line of its docstring is what the documentation and ``mlms`` show."""
        assert (self.module().__doc__ or "").strip(), "there is no docstring"


class OptionsTests(DescribedTests):
    """Its options, too. ``refused`` are some that its schema must not let pass."""

    refused: ClassVar[Sequence[Mapping[str, Any]]] = ()

    def allowed(self) -> Iterable[Mapping[str, Any]]:
        """Options that its schema lets pass: those of the examples."""
        raise NotImplementedError

    def test_options_have_a_schema_that_describes_each_and_refuses_others(self) -> None:
        """A misspelt option must not be ignored silently."""
        own = self.module().OPTIONS
        check_schema(own)
        for options in self.allowed():
            check_accepted(own, options)
        for options in self.refused:
            check_refused(own, options)
