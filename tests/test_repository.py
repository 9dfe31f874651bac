"""What the committed files promise: no host, no machine's paths, licences named, one import law."""

import dataclasses
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import controller.settings
import device.settings

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
DOWNLOAD_PLACE = re.compile(r"https?://|index-url|find-links|\"resolved\"")
MACHINE_PATH = re.compile(r"/(work|farm|root|home/[a-z]+)/")
PRODUCT_PATH = re.compile(r"/home/pi")


def committed_files():
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = (ROOT / os.fsdecode(name) for name in listing.stdout.split(b"\0") if name)
    return [path for path in paths if path.is_file()]


def readable(path):
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_file_names_versions_and_hashes_only(lock):
    text = lock.read_text(encoding="utf-8")
    assert not DOWNLOAD_PLACE.search(text)
    pins = re.findall(r"^[a-z0-9].*$", text, re.MULTILINE)
    assert pins
    assert all("==" in pin and pin.endswith("\\") for pin in pins)


def test_npm_lock_files_name_no_host():
    locks = [path for path in committed_files() if path.name == "package-lock.json"]
    assert not [path for path in locks if '"resolved"' in readable(path) or "://" in readable(path)]


def test_no_file_names_a_path_of_one_machine():
    found = {
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in committed_files()
        if path.suffix != ".md" and "tests" not in path.parts
        for line in readable(path).splitlines()
        if MACHINE_PATH.search(line) and not PRODUCT_PATH.search(line)
    }
    assert not found


def test_every_locked_package_names_its_licence():
    table = readable(ROOT / "THIRD_PARTY.md").lower()
    names = {
        name
        for lock in LOCKS
        for name in re.findall(r"^([a-z0-9][a-z0-9._-]*)==", lock.read_text(), re.MULTILINE)
    }
    assert not {name for name in names if f"| {name} |" not in table}


def test_the_import_law_of_the_linter_holds():
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_installed_packages_are_those_of_the_project():
    project = tomllib.loads(readable(ROOT / "pyproject.toml"))
    include = project["tool"]["setuptools"]["packages"]["find"]["include"]
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert {pattern.rstrip("*") for pattern in include} == folders


@pytest.mark.parametrize("settings", [controller.settings.Settings, device.settings.Settings])
def test_every_setting_is_documented(settings):
    manual = readable(ROOT / "deploy" / "README.md")
    names = {field.name for field in dataclasses.fields(settings)}
    assert not {name for name in names if f"`{name}`" not in manual}


def test_the_manual_documents_no_setting_that_is_gone():
    manual = readable(ROOT / "deploy" / "README.md").partition("## 7. Settings")[2]
    rows = re.findall(r"^\| (`[^|]*) \|", manual, re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    known = {
        field.name
        for settings in (controller.settings.Settings, device.settings.Settings)
        for field in dataclasses.fields(settings)
    }
    assert documented == known
