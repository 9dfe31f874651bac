"""Pages as files that can be made again."""

from controller.publishing.page_store import PageStore

PAGE = b"a page" * 100


def test_a_page_is_kept_once_under_its_hash(tmp_path):
    store = PageStore(tmp_path)
    sha256 = store.put_bytes(PAGE)
    assert store.put_bytes(PAGE) == sha256
    assert store.hashes() == [sha256]
    with store.open(sha256) as found:
        assert found.read() == PAGE


def test_a_page_that_a_power_cut_emptied_is_written_anew(tmp_path):
    store = PageStore(tmp_path)
    sha256 = store.put_bytes(PAGE)
    store.path(sha256).write_bytes(b"\0" * len(PAGE))
    again = PageStore(tmp_path)
    again.put_bytes(PAGE)
    with again.open(sha256) as found:
        assert found.read() == PAGE


def test_a_half_written_page_goes_with_the_sweep(tmp_path):
    store = PageStore(tmp_path)
    (tmp_path / ".half.part").write_bytes(b"x")
    sha256 = store.put_bytes(PAGE)
    assert store.collect({sha256}, 0.0, 1e12) == []
    assert [path.name for path in tmp_path.glob(".*.part")] == []
