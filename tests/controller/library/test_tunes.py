"""Every tune of the library stands in the store under its name, made once."""

import pytest
from sqlalchemy import select

from audio_library.tune_names import TUNES
from controller.database import reading
from controller.library import tunes
from controller.models import Tune

pytestmark = pytest.mark.slow


def rows(engine):
    with reading(engine) as session:
        return {tune.name: tune for tune in session.scalars(select(Tune))}


def test_missing_tunes_are_made_and_present_ones_kept(engine, store):
    assert tunes.make_missing(engine, store) == len(TUNES)
    made = rows(engine)
    assert set(made) == set(TUNES)
    for name, tune in made.items():
        assert store.size_bytes(tune.sha256) == tune.bytes
        assert tune.duration_ms > 300, name
    assert tunes.make_missing(engine, store) == 0
    store.path(made["lang_que"].sha256).unlink()
    assert tunes.make_missing(engine, store) == 1
    assert rows(engine)["lang_que"].sha256 == made["lang_que"].sha256
