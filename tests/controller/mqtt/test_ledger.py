"""The ledger survives restarts, and a damaged one is no reason to stop."""

from controller.mqtt.ledger import FileLedger


def test_what_was_written_is_read_by_the_next_service(tmp_path):
    path = tmp_path / "data" / "seeded.json"
    ledger = FileLedger(path)
    ledger.note({"a" * 64: 100, "b" * 64: 7})
    ledger.note({"c" * 64: 9}, ["b" * 64])
    assert FileLedger(path).read() == {"a" * 64: 100, "c" * 64: 9}


def test_a_line_that_a_power_cut_tore_costs_only_itself(tmp_path):
    path = tmp_path / "seeded.json"
    ledger = FileLedger(path)
    ledger.note({"a": 1})
    ledger.note({"b": 2})
    path.write_text(path.read_text(encoding="ascii")[:-4], encoding="ascii")
    again = FileLedger(path)
    assert again.read() == {"a": 1}
    again.note({"c": 3})
    assert FileLedger(path).read() == {"a": 1, "c": 3}


def test_a_month_of_changes_does_not_grow_the_file_without_end(tmp_path):
    path = tmp_path / "seeded.json"
    ledger = FileLedger(path)
    ledger.read()
    for i in range(60):
        ledger.note({f"{i}-{j}": 1 for j in range(50)}, [f"{i - 1}-{j}" for j in range(50)])
    assert len(FileLedger(path).read()) == 50
    assert path.stat().st_size < 60 * 50 * 10


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
