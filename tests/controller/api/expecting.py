"""What tests say again and again about answers."""


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json["items"]]


def is_problem(answer, status, **members):
    """The answer is an RFC 9457 problem of that status; returns its body."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    body = answer.json
    assert {"type", "title", "status", "detail"} <= body.keys()
    assert body["status"] == status
    assert body["detail"].endswith((".", "!"))
    for name, value in members.items():
        assert body[name] == value
    return body
