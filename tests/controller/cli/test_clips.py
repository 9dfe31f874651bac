"""`loalang clip`, through the real audio library."""

from tests.support.recording import wav


def test_a_recording_is_taken_in_and_decided_on(run, tmp_path, settings):
    file = tmp_path / "vneid.wav"
    file.write_bytes(wav())
    words = ("--title", "Cài VNeID", "--topic", 1, "--language", "vi")
    made = run("clip", "upload", file, *words, "--json").json
    assert made["status"] == "pending"
    assert (settings.store_dir / made["sha256"][:2] / made["sha256"]).is_file()
    assert run("clip", "approve", made["id"], "--json").json["status"] == "approved"
    [listed] = run("clip", "list", "--status", "approved", "--q", "cai", "--json").json
    assert listed["id"] == made["id"]
    assert run("clip", "withdraw", made["id"], "--json").json["status"] == "withdrawn"
    assert run("clip", "show", made["id"], "--json").json["on_air_version"] is None


def test_what_is_no_sound_fails_with_a_sentence(run, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("not sound" * 100)
    refused = run("clip", "upload", file, "--title", "A", "--topic", 1, "--language", "vi")
    assert (refused.status, refused.out) == (1, "")
    assert len(refused.err.splitlines()) == 1


def test_a_topic_is_one_of_six(run, tmp_path):
    refused = run(
        "clip", "upload", tmp_path / "x", "--title", "A", "--topic", 7, "--language", "vi"
    )
    assert (refused.status, refused.err[:6]) == (2, "topic:")
