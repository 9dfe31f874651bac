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
