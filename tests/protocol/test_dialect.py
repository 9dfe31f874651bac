"""Which MQTT is spoken next, after whatever a broker has answered, or not."""

from protocol.dialect import Dialect


def after_hanging_up(dialect, times):
    spoken = []
    for _ in range(times):
        spoken.append(dialect.v5)
        dialect.hung_up()
    return spoken


def test_a_broker_that_says_it_is_old_is_believed_at_once():
    dialect = Dialect()
    dialect.refused()
    assert not dialect.v5


def test_one_that_hangs_up_is_tried_in_the_older_version_and_then_in_the_newer_again():
    assert after_hanging_up(Dialect(), 8) == [True] * 3 + [False] + [True] * 3 + [False]


def test_once_the_older_version_was_the_answer_it_comes_sooner_and_never_first():
    dialect = Dialect()
    after_hanging_up(dialect, 3)
    dialect.welcomed()
    assert not dialect.v5
    dialect.parted()
    assert after_hanging_up(dialect, 2) == [True, False]


def test_a_broker_that_was_renewed_is_given_its_patience_back():
    dialect = Dialect()
    after_hanging_up(dialect, 3)
    dialect.welcomed()
    dialect.parted()
    dialect.welcomed()
    assert dialect.v5
    dialect.parted()
    assert after_hanging_up(dialect, 4) == [True, True, True, False]
