"""The ledger survives restarts, and a damaged one is no reason to stop."""

from controller.mqtt.ledger import FileLedger


def test_what_was_written_is_read_by_the_next_service(tmp_path):
    path = tmp_path / "data" / "seeded.json"
    FileLedger(path).write({"a" * 64: 100})
    assert FileLedger(path).read() == {"a" * 64: 100}


def test_a_missing_ledger_is_empty(tmp_path):
    assert FileLedger(tmp_path / "none.json").read() == {}


def test_a_damaged_ledger_counts_as_empty(tmp_path):
    path = tmp_path / "seeded.json"
    path.write_bytes(b"\xff\x00garbage")
    assert FileLedger(path).read() == {}


def test_entries_that_make_no_sense_are_left_out(tmp_path):
    path = tmp_path / "seeded.json"
    path.write_text('{"a": 5, "b": -1, "c": "many"}', encoding="ascii")
    assert FileLedger(path).read() == {"a": 5}
