"""`loalang area`."""

import json


def test_an_area_is_made_below_another_by_its_code(run, commune):
    parent = commune.areas["commune"]
    run("area", "update", parent, "--code", "HB")
    words = ("--name", "Thôn Trung", "--kind", "thôn", "--parent", "HB", "--code", "HB-3")
    made = run("area", "create", *words, "--languages", "vi", "mww", "--json").json
    assert (made["parent_id"], made["languages"]) == (parent, ["vi", "mww"])
    assert run("area", "show", "HB-3", "--json").json == made
    assert "Thôn Trung" in run("area", "list").out


def test_a_policy_comes_from_a_file_or_a_pipe(run, commune, tmp_path):
    policy = {"max_sessions_per_day": 2}
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(policy))
    upper = commune.areas["upper"]
    assert run("area", "update", upper, "--policy", file, "--json").json["policy"] == policy
    piped = run(
        "area", "update", upper, "--policy", "-", "--json", typed='{"max_minutes_per_day": 9}'
    )
    assert piped.json["policy"] == {"max_minutes_per_day": 9}


def test_refusals_name_their_field(run, commune, tmp_path):
    upper = commune.areas["upper"]
    refused = run("area", "update", upper, "--timezone", "Mars/Base")
    assert (refused.status, refused.err[:9]) == (2, "timezone:")
    assert run("area", "update", upper, "--policy", "-", typed="[").status == 2
    missing = run("area", "update", upper, "--policy", tmp_path / "none.json")
    assert missing.status == 1
    assert "none.json" in missing.err
    assert run("area", "show", "nowhere").status == 1


def test_units_are_imported_merged_and_split(run, commune, tmp_path):
    file = tmp_path / "thôn.csv"
    file.write_text("mã,tên,loại\n001,Bản A,bản\n002,Bản B,bản\n", encoding="utf-8")
    parent = commune.areas["commune"]
    done = run("area", "import", file, "--parent", parent, "--json").json
    assert done == {"created": 2, "updated": 0}
    run("node", "create", "--name", "Cụm", "--code", "N1", "--area", "001")
    new = run("area", "split", "001", *("--name", "Bản C", "--kind", "bản", "--nodes", "N1")).out
    assert "Bản C" in new
    assert run("area", "merge", "001", "--into", "002", "--json").json["code"] == "002"
    assert run("area", "show", "001", "--json").json["closed_at"] is not None
    file.write_text("mã,tên,loại\n003,,bản\n001,Bản A,bản\n", encoding="utf-8")
    refused = run("area", "import", file, "--parent", parent)
    assert refused.status == 2
    assert "line 2" in refused.err
    assert "line 3" in refused.err
