"""The shape of the code: layers, the public names, and what starting the program may load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "kg"

#: From the top down; a module imports only from its own layer's files or from layers below.
LAYERS = (
    ("__main__",),
    ("cli",),
    ("commands",),
    ("serve",),
    ("stores", "draw", "layout", "export", "queries"),
    ("building", "compare", "curate", "find", "linking", "stats", "explain"),
    ("directory", "unfinished"),
    ("rdf", "property_graph", "graph"),
    ("extract", "resolve", "read"),
    ("sentences", "ontology", "plural", "aside"),
    ("model",),
)


def layer_of(module: str) -> int:
    """The layer of `kg.x.y`: that of `x`; counted from the top."""
    name = module.split(".")[1]
    for number, names in enumerate(LAYERS):
        if name in names:
            return number
    raise AssertionError(f"{module} is in no layer: give kg/{name} its place in LAYERS")


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path) -> set[str]:
    """All modules of kg that a file imports, at the top or inside functions, but not only for type checking."""
    tree = ast.parse(path.read_text("utf-8"))
    typing_only: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            typing_only.update(child for statement in node.body for child in ast.walk(statement))
    found = set()
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names if alias.name.startswith("kg."))
        elif isinstance(node, ast.ImportFrom) and node.module == "kg":
            found.update(f"kg.{alias.name}" for alias in node.names if not alias.name.startswith("_"))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("kg."):
            found.add(node.module)
    return found


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_go_down_only(path: Path) -> None:
    module = module_name(path)
    for imported in imports_of(path):
        same_package = imported.split(".")[1] == module.split(".")[1]
        assert same_package or layer_of(imported) >= layer_of(module), f"{module} imports {imported} from a layer above"


def test_import_gives_no_warning() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", "import kg"], check=True)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from kg.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print('loaded', sorted({'spacy','networkx','rdflib','pyarrow','ladybug','pyoxigraph','pyvis','neo4j','numpy'}"
        " & set(sys.modules)))"
    )
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert output.rstrip().endswith("loaded []")


def test_one_library_one_door() -> None:
    """Each heavy library is imported in one place only, so that it can be replaced there."""
    doors = {
        "spacy": {"kg.extract"},
        "neo4j": {"kg.stores"},
        "ladybug": {"kg.stores"},
        "pyvis": {"kg.draw"},
        "starlette": {"kg.serve"},
        "uvicorn": {"kg.serve"},
        "pyshacl": {"kg.export"},
        "bibtexparser": {"kg.read"},
        "rispy": {"kg.read"},
    }
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                allowed = doors.get(name.split(".")[0])
                module = module_name(path)
                assert allowed is None or any(module.startswith(door) for door in allowed), f"{module} imports {name}"


def test_every_command_has_help() -> None:
    from kg.cli import main

    for name, command in main.commands.items():
        assert command.help, f"kg {name} has no help"
        for parameter in command.params:
            if parameter.param_type_name == "option":
                assert getattr(parameter, "help", None), f"kg {name} {parameter.name} has no help"
