"""One instant for every certificate and file of these tests."""

from datetime import UTC, datetime

import pytest


@pytest.fixture
def now():
    return datetime.now(UTC)
