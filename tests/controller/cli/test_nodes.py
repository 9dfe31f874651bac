"""`loalang node list|create …`."""


def test_a_node_is_made_changed_and_listed(run, commune):
    words = ("--name", "Cụm đình", "--code", "HB-01", "--area", commune.areas["upper"])
    made = run("node", "create", *words, "--volume", 80, "--json").json
    assert made["claim_code"]
    changed = run("node", "update", made["id"], "--area", commune.areas["lower"], "--json").json
    assert (changed["area_id"], changed["volume"]) == (commune.areas["lower"], 80)
    [listed] = run("node", "list", "--area", commune.areas["lower"], "--json").json
    assert listed["id"] == made["id"]
    assert run("node", "show", made["id"], "--json").json["code"] == "HB-01"
    fresh = run("node", "claim-code", made["id"], "--json").json
    assert fresh["claim_code"] != made["claim_code"]


def test_an_amplifier_is_told_what_it_carries(run, commune):
    words = ("--name", "Cụm chợ", "--code", "HB-01", "--area", commune.areas["upper"])
    made = run("node", "create", *words, "--json").json
    zone = f"market={commune.areas['commune']}"
    changed = run("node", "update", made["id"], "--zone", zone, "--json").json
    assert changed["zones"] == [
        {"zone": "market", "areas": [commune.areas["commune"]], "told": False}
    ]
    assert run("node", "update", made["id"], "--zone", "", "--json").json["zones"] == []


def test_the_card_and_the_notes_are_written_on_the_console(run, commune):
    words = ("--name", "Cụm chợ", "--code", "HB-01", "--area", commune.areas["upper"])
    made = run("node", "create", *words, "--json").json
    run("node", "card", made["id"], "--key-holder", "Bà Sáu")
    card = run("node", "card", made["id"], "--key-phone", "0912", "--json").json
    assert card == {"key_holder": "Bà Sáu", "key_phone": "0912"}
    run("node", "note", made["id"], "Thay nguồn")
    [note] = run("node", "notes", made["id"], "--json").json
    assert note["text"] == "Thay nguồn"


def test_refusals_name_their_field(run, commune):
    words = ("--name", "Cụm", "--code", "C", "--area", commune.areas["upper"])
    refused = run("node", "create", *words, "--volume", 300)
    assert (refused.status, refused.err[:7]) == (2, "volume:")
