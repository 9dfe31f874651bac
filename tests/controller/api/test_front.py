"""What needs no token, and addresses that do not exist."""

from tests.controller.api.expecting import is_problem


def test_health_needs_no_token(call_as):
    answer = call_as(None).get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_an_address_that_does_not_exist_is_a_problem(call_as):
    for path in ("/nothing", "/areas/", "/areas/a/b/c"):
        is_problem(call_as(None).get(path), 404)
        is_problem(call_as(None).post(path, json={}), 404)


def test_a_wrong_method_is_told_the_right_ones(alice):
    answer = alice.put("/areas")
    is_problem(answer, 405)
    assert answer.headers["Allow"] == "GET, POST"


def test_the_applications_own_error_pages_stay_its_own(app, call_as):
    @app.errorhandler(404)
    def page(_error):
        return "a page", 404

    @app.get("/page")
    def view():
        raise AssertionError("not reached")

    assert app.test_client().get("/no-page").text == "a page"
    is_problem(call_as("alice").get("/areas/none"), 404)
