"""One call opens what a process needs."""

from datetime import UTC, datetime

from sqlalchemy import text

from controller.services import open_services
from controller.settings import load


def test_services_open_over_an_empty_folder(tmp_path):
    settings = load({"LOALANG_DATA_DIR": str(tmp_path / "new")})
    services = open_services(settings)
    with services.engine.connect() as connection:
        assert connection.scalar(text("select 1")) == 1
    sha256 = services.store.put_bytes(b"sound")
    assert services.store.path(sha256).is_relative_to(settings.store_dir)
    assert settings.temporary_dir.is_dir()
    assert services.clock().tzinfo is UTC
    services.engine.dispose()


def test_a_clock_may_be_given(tmp_path):
    noon = datetime(2026, 11, 22, 5, tzinfo=UTC)
    services = open_services(load({"LOALANG_DATA_DIR": str(tmp_path)}), lambda: noon)
    assert services.clock() == noon
    services.engine.dispose()
