"""The device's key and its counters: made once, never back, never lost with one file."""

import pytest

from device.identity import Counters, load_key


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    key = load_key(tmp_path)
    assert load_key(tmp_path).verify_key == key.verify_key
    for name in ("identity.a", "identity.b"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("lost", ["identity.a", "identity.b"])
def test_one_damaged_copy_does_not_change_who_we_are(tmp_path, lost):
    key = load_key(tmp_path)
    (tmp_path / lost).write_bytes(b"\0" * 4096)
    assert load_key(tmp_path).verify_key == key.verify_key


def test_own_numbers_only_grow_over_restarts(tmp_path):
    seen = []
    for _ in range(3):
        counters = Counters(tmp_path)
        seen += [counters.next_seq() for _ in range(1500)]
    assert seen == sorted(set(seen))


def test_lost_counters_start_above_all_that_was_said(tmp_path):
    counters = Counters(tmp_path, lambda: 1_800_000_000.0)
    last = [counters.next_seq() for _ in range(5000)][-1]
    for path in tmp_path.glob("counters.*"):
        path.unlink()
    again = Counters(tmp_path, lambda: 1_800_000_600.0)
    assert again.lost and again.next_seq() > last


def test_what_was_obeyed_is_remembered_at_once(tmp_path):
    counters = Counters(tmp_path)
    counters.obeyed("command", 7)
    counters.obeyed("command", 5)
    assert Counters(tmp_path).streams == {"command": 7}


def test_the_last_word_on_the_time_counts_also_when_it_is_earlier(tmp_path):
    """A server that once said 2040 must not spoil the RTC's trust for ever."""
    counters = Counters(tmp_path)
    counters.note_time(2000.0)
    counters.note_time(1000.0)
    assert Counters(tmp_path).saved_at == 1000.0


def test_a_disk_that_refuses_is_noted_and_the_node_goes_on(tmp_path):
    counters = Counters(tmp_path)
    for name in ("counters.a", "counters.b"):
        (tmp_path / name).mkdir()
    counters.save()
    assert counters.full
    assert counters.next_seq() > 0


def test_numbers_said_while_the_card_took_nothing_are_not_said_again(tmp_path):
    """The controller has heard them; this device has forgotten them with the power."""
    Counters(tmp_path, lambda: 1_800_000_000.0).save()
    before = Counters(tmp_path, lambda: 1_800_000_100.0)
    for name in ("counters.a", "counters.b"):
        if (tmp_path / name).exists():
            (tmp_path / name).rename(tmp_path / f"{name}.kept")
        (tmp_path / name).mkdir()
    said = [before.next_seq() for _ in range(3000)][-1]
    session = [before.next_session() for _ in range(40)][-1]
    for name in ("counters.a", "counters.b"):
        (tmp_path / name).rmdir()
        if (kept := tmp_path / f"{name}.kept").exists():
            kept.rename(tmp_path / name)
    again = Counters(tmp_path, lambda: 1_800_000_200.0)
    assert again.next_seq() > said
    assert again.next_session() > session


def test_numbers_of_a_node_whose_clock_says_1970_rise_when_it_learns_the_time(tmp_path):
    counters = Counters(tmp_path, lambda: 0.0)
    first = counters.next_seq()
    counters.leap(1_800_000_000.0)
    assert counters.next_seq() > 1_800_000_000_000 > first
    counters.leap(1_700_000_000.0)
    assert counters.next_seq() > 1_800_000_000_000


def test_what_the_disk_refused_outlives_the_program_in_memory(tmp_path):
    disk, memory = tmp_path / "disk", tmp_path / "run"
    counters = Counters(disk, spare_dir=memory)
    counters.save()
    counters.save()
    for name in ("counters.a", "counters.b"):
        (disk / name).rename(disk / f"{name}.kept")
        (disk / name).mkdir()
    counters.remember("command", 7)
    counters.note_started("e1")
    for name in ("counters.a", "counters.b"):
        (disk / name).rmdir()
        (disk / f"{name}.kept").rename(disk / name)
    again = Counters(disk, spare_dir=memory)
    assert (again.streams, again.last_started) == ({"command": 7}, ["e1"])
    again.obeyed("command", 9)
    assert Counters(disk, spare_dir=memory).streams == {"command": 9}
    assert Counters(disk).streams == {"command": 9}
