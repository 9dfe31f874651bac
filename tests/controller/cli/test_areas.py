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
