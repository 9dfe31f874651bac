"""The share of long work is told to its sender only, and the sender can stop it."""

import pytest

from web.working import Works


def test_a_work_is_known_while_it_lasts():
    works = Works()
    with works.known("erin a") as work:
        work.report(0.4)
        assert works.find("erin a").share == 0.4
        assert works.find("erin b") is None
    assert works.find("erin a") is None


@pytest.fixture
def under_way(app, village):
    """Work of Erin's, under the key `abc`."""
    with app.extensions["loalang_works"].known(f"{village.users['erin']} abc") as work:
        work.report(0.25)
        yield work


def test_its_sender_hears_the_share(under_way, visit):
    assert visit("erin").get("/clips/working/abc").json == {"share": 0.25}
    assert visit("erin").get("/clips/working/xyz").json == {"share": None}


def test_others_hear_nothing_and_stop_nothing(under_way, visit):
    bob = visit("bob")
    assert bob.get("/clips/working/abc").json == {"share": None}
    assert bob.post("/clips/working/abc/stop").status_code == 204
    assert not under_way.stopped()


def test_its_sender_stops_it(under_way, visit):
    assert visit("erin").post("/clips/working/abc/stop").status_code == 204
    assert under_way.stopped()
