"""Two kinds of import-linter contract that its own kinds cannot say; pyproject.toml uses them."""

from __future__ import annotations

import sys
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.contracts.independence import IndependenceContract
from importlinter.domain.helpers import module_expressions_to_modules
from importlinter.domain.imports import ModuleExpression


def _is_private(module: str) -> bool:
    return module.rpartition(".")[2].startswith("_")


class MembersContract(IndependenceContract):
    """Members of an extension point never import each other, not even through a third module.

    Modules whose name begins with an underscore are shared by the members, so they are none.
    """

    type_name = "members"
    modules: Any

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Whether it is kept by the modules that match ``modules`` now."""
        found = module_expressions_to_modules(graph, self.modules)
        self.modules = {ModuleExpression(module.name) for module in found if not _is_private(module.name)}
        return super().check(graph, verbose)


class TravelsContract(Contract):
    """What travels to a worker's environment imports what is there: the standard library and ``allowed``."""

    type_name = "travels"

    # Each is a field of the class and, in an object, the set that it was given.
    modules: Any = fields.SetField(subfield=fields.StringField())
    allowed: Any = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002
        """Whether it is kept by the modules that match ``modules``, and those below them."""
        roots = tuple(f"{module}." for module in self.modules)
        inside = {module for module in graph.modules if f"{module}.".startswith(roots)}
        broken = sorted(
            (importer, imported)
            for importer in inside
            for imported in graph.find_modules_directly_imported_by(importer)
            if not self._is_there(imported, inside)
        )
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def _is_there(self, imported: str, inside: set[str]) -> bool:
        top = imported.partition(".")[0]
        return imported in inside or top in sys.stdlib_module_names or top in self.allowed

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Prints one line for each import that a worker could not do."""
        for importer, imported in check.metadata["broken"]:
            output.print_error(f"{importer} imports {imported}, which a worker's environment does not have")
        output.new_line()
