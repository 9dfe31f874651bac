"""Options for the whole suite: which browser runs, and how. Fixtures live beside their tests."""

import os
import shutil

import pytest


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """Debian's Chromium, never a downloaded one; root may not use Chromium's own sandbox."""
    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing: run deploy/setup-system.sh"
    arguments = ["--disable-gpu", "--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    return {**browser_type_launch_args, "executable_path": chromium, "args": arguments}
