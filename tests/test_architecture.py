"""The import law, what a process carries in memory, and the size of a module."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("audio_library", "controller", "deploy", "device", "protocol", "web")

# Who may import whom, directly. deploy's commands may reach anything; nobody imports deploy.
MAY_IMPORT = {
    "protocol": set(),
    "audio_library": set(),
    "device": {"protocol"},
    "controller": {"audio_library", "protocol"},
    "web": {"controller"},
    "deploy": set(PACKAGES),
}
MODULE_LINES = 400


def source_files(*folders):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "node_modules" not in path.parts:
                yield path


def imported_roots(path):
    """The first name of every absolute import, wherever in the file it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").partition(".")[0]


def modules_loaded_by(statement):
    """What a clean interpreter holds after one statement."""
    program = f"{statement}\nimport sys\nprint(*sorted(sys.modules), sep='\\n')"
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    return {name.partition(".")[0] for name in run.stdout.split()}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_the_law_allows(package):
    allowed = MAY_IMPORT[package] | {package}
    breaches = {
        f"{path.relative_to(ROOT)} imports {root}"
        for path in source_files(package)
        for root in imported_roots(path)
        if root in PACKAGES and root not in allowed
    }
    assert not breaches


def test_the_wire_contract_needs_only_cryptography():
    allowed = sys.stdlib_module_names | {"cryptography", "protocol"}
    strangers = {
        f"{path.relative_to(ROOT)} imports {root}"
        for path in source_files("protocol")
        for root in imported_roots(path)
        if root not in allowed
    }
    assert not strangers


def test_a_node_loads_no_server_library():
    loaded = modules_loaded_by("import device.agent")
    assert not loaded & {"alembic", "apscheduler", "flask", "numpy", "pydub", "sqlalchemy"}
    assert not loaded & {"audio_library", "controller", "deploy", "web"}


def test_the_service_loads_no_flask():
    loaded = modules_loaded_by("import controller.service")
    assert not loaded & {"flask", "flask_smorest", "jinja2", "web", "werkzeug"}


def test_no_module_outgrows_its_room():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in source_files(*PACKAGES)
        if "migrations" not in path.parts
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MODULE_LINES
    }
    assert not long


def test_no_test_sleeps():
    sleepers = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in source_files("tests")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "sleep"}
    }
    assert not sleepers
