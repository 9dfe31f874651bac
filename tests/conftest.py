"""Options for the whole suite: which browser runs, how properties are tried. Fixtures live beside
their tests.
"""

import os
import shutil

import pytest
from hypothesis import HealthCheck, settings

# How long an example took says something of the machine and nothing of the property.
settings.register_profile(
    "any_machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any_machine")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """Debian's Chromium, never a downloaded one; root may not use Chromium's own sandbox."""
    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing: run deploy/setup-system.sh"
    arguments = ["--disable-gpu", "--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    return {**browser_type_launch_args, "executable_path": chromium, "args": arguments}
