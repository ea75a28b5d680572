"""The suites that whoever adds a member of an extension point subclasses."""
