"""What is dropped to make room, and what never is."""

from device.room import BALLAST_BYTES, Ballast, NoRoom, superfluous

HELD = {"old": 40, "older": 30, "next": 50, "later": 60, "last": 20}


def test_below_the_quota_nothing_goes():
    assert superfluous(HELD, [], [], 1000) == []


def test_what_nobody_wants_goes_first_then_what_airs_last():
    wanted = ["next", "later", "last"]
    assert superfluous(HELD, wanted, [], 200) == ["old"]
    assert superfluous(HELD, wanted, [], 150) == ["old", "older", "last"]


def test_what_is_due_is_spared_whatever_the_quota():
    dropped = superfluous(HELD, ["next", "later", "last"], ["next", "old"], 1)
    assert "next" not in dropped and "old" not in dropped


def test_what_was_dropped_stays_away_until_there_is_room():
    no_room = NoRoom()
    no_room.note({"last": 20}, 100)
    assert no_room.left_out({"next": 70}) == {"last"}
    no_room.note({}, 1000)  # nothing had to go: the bound stands
    assert no_room.left_out({"next": 70}) == {"last"}
    assert no_room.left_out({"next": 60}) == set()


def test_the_ballast_can_be_given_up_and_laid_in_again(tmp_path):
    ballast = Ballast(tmp_path)
    assert ballast.fill()
    assert (tmp_path / "ballast").stat().st_size == BALLAST_BYTES
    assert ballast.drop()
    assert not ballast.drop()
    assert ballast.fill()
