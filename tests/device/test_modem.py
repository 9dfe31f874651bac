"""The modem's signal: asked beside the loop, seldom, and only where there is somebody to ask."""

import threading

from device.modem import ModemGauge, modem_signal


def test_the_modem_manager_tells_the_signal():
    listing = "modem.generic.state : connected\nmodem.generic.signal-quality.value  : 78\n"
    assert modem_signal(lambda _: listing) == 78
    assert modem_signal(lambda _: "") is None


def test_the_gauge_asks_at_most_every_five_minutes():
    answers, now = [55, 60], [1000.0]
    gauge = ModemGauge(lambda: answers.pop(0), lambda: now[0])
    assert gauge() is None  # nobody waits for the first answer
    gauge.asking.join(10)
    assert gauge() == 55
    now[0] += 301
    gauge()
    gauge.asking.join(10)
    assert gauge() == 60 and not answers


def test_a_modem_that_hangs_is_not_asked_again_meanwhile():
    hung, asked, now = threading.Event(), [], [1000.0]

    def ask():
        asked.append(now[0])
        hung.wait(10)
        return 5

    gauge = ModemGauge(ask, lambda: now[0])
    gauge()
    now[0] += 1000
    assert gauge() is None and len(asked) == 1
    hung.set()
    gauge.asking.join(10)
    assert gauge() == 5
