"""The link over a real broker: it comes back by itself, and nothing is acknowledged too early."""

import signal
import threading

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from controller.mqtt import link as link_module
from controller.mqtt.errors import BadBroker, LinkDown
from controller.mqtt.link import BrokerAddress, Link
from tests.support.broker import Broker
from tests.support.old_broker import OldBroker
from tests.support.waiting import wait_until

WILL = "loa/v1/main/ctl/main/dn/state"


class Bench:
    """Links to one broker, and what they were told."""

    def __init__(self, broker):
        self.broker = broker
        self.ups = []
        self.arrivals = []
        self.wills = 0
        self.news = threading.Event()
        self.links = []

    def link(self, client_id="tests", topics=("in/#",), on_arrival=None):
        made = Link(
            BrokerAddress.from_url(self.broker.url),
            client_id,
            topics,
            make_will=self._will,
            on_up=self.ups.append,
            on_arrival=on_arrival or self.arrivals.append,
        )
        self.links.append(made)
        made.start()
        return made

    def ready(self, client_id="tests", **options):
        made = self.link(client_id, **options)
        wait_until(lambda: made.up)
        return made

    def payloads(self):
        return [arrival.payload for arrival in self.arrivals]

    def _will(self):
        self.wills += 1
        return WILL, b"gone %d" % self.wills


@pytest.fixture
def broker(tmp_path):
    with Broker.started(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def bench(broker):
    bench = Bench(broker)
    yield bench
    for link in bench.links:
        link.stop()


def test_an_address_is_read_with_its_defaults():
    plain = BrokerAddress.from_url("mqtt://broker.example")
    assert (plain.host, plain.port, plain.tls) == ("broker.example", 1883, False)
    tls = BrokerAddress.from_url("mqtts://ann:secret@broker.example:9")
    assert (tls.port, tls.tls, tls.user, tls.password) == (9, True, "ann", "secret")


@pytest.mark.parametrize("url", ["http://broker", "broker:1883", "mqtt://"])
def test_an_address_of_another_kind_is_refused(url):
    with pytest.raises(BadBroker):
        BrokerAddress.from_url(url)


def test_a_message_published_arrives_by_the_subscription(bench):
    bench.ready().publish("in/a", b"hello")
    wait_until(lambda: bench.payloads() == [b"hello"])


def test_publishing_without_a_connection_is_refused_and_queues_nothing(bench):
    bench.broker.stop()
    link = bench.link()
    with pytest.raises(LinkDown):
        link.publish("in/a", b"x", timeout_s=0.1)
    bench.broker.start()
    wait_until(lambda: link.up)
    link.publish("in/a", b"y")
    wait_until(lambda: bench.payloads() == [b"y"])


def test_a_broker_that_died_is_found_again_and_the_subscriptions_with_it(bench):
    link = bench.ready()
    bench.broker.kill()
    wait_until(lambda: not link.up)
    bench.broker.forget()
    bench.broker.start()
    wait_until(lambda: link.up)
    assert bench.ups == [False, False]
    link.publish("in/a", b"again")
    wait_until(lambda: bench.payloads() == [b"again"])


def test_the_will_is_made_anew_for_each_connection(bench):
    link = bench.ready()
    bench.broker.kill()
    wait_until(lambda: not link.up)
    bench.broker.start()
    wait_until(lambda: link.up)
    assert bench.wills >= 2


def test_what_was_not_acknowledged_comes_again_to_the_next_process(bench):
    first = bench.ready("service")
    first.publish("in/a", b"report")
    wait_until(lambda: bench.payloads() == [b"report"])
    first.stop()
    bench.arrivals.clear()
    bench.ready("service")
    wait_until(lambda: bench.payloads() == [b"report"])
    assert bench.ups == [False, True]


def test_what_was_acknowledged_does_not_come_again(bench):
    first = bench.ready("service")
    first.publish("in/a", b"report")
    wait_until(lambda: bench.arrivals)
    first.acknowledge(bench.arrivals[0])
    first.publish("in/b", b"fence")
    wait_until(lambda: len(bench.arrivals) == 2)
    first.stop()
    bench.arrivals.clear()
    bench.ready("service")
    wait_until(lambda: bench.arrivals)
    assert bench.payloads() == [b"fence"]


def test_an_acknowledgement_of_an_older_connection_is_not_sent(bench):
    link = bench.ready()
    link.publish("in/a", b"old")
    wait_until(lambda: bench.arrivals)
    old = bench.arrivals[0]
    bench.broker.stop()
    wait_until(lambda: not link.up)
    bench.broker.start()
    wait_until(lambda: link.up)
    link.acknowledge(old)
    wait_until(lambda: bench.payloads().count(b"old") == 2)


def test_a_handler_that_fails_does_not_end_the_link(bench, caplog):
    def fails(arrival):
        bench.arrivals.append(arrival)
        raise ValueError("broken handler")

    link = bench.ready(on_arrival=fails)
    link.publish("in/a", b"1")
    link.publish("in/a", b"2")
    wait_until(lambda: len(bench.arrivals) == 2)
    assert "broken handler" in caplog.text


def test_the_window_bounds_what_is_under_way(bench, monkeypatch):
    monkeypatch.setattr(link_module, "_WINDOW", 5)
    link = bench.ready()
    for number in range(200):
        link.publish("out/x", b"%d" % number)
        assert link._outstanding <= 5
    assert link.drain(5)


def test_the_farewell_takes_the_place_of_the_will(bench):
    leaving = bench.ready("leaving", topics=("none",))
    leaving.stop((WILL, b"farewell"))
    bench.ready("reader", topics=(WILL,))
    wait_until(lambda: bench.payloads() == [b"farewell"])


def test_a_broker_without_mqtt_5_is_spoken_to_in_the_older_version(bench):
    with OldBroker(bench.broker.port) as old:
        bench.broker.url = old.url
        receiver = bench.ready("old", topics=("$share/ingest/in/a", "in/b"))
        assert old.refused == 1
        receiver.publish("in/a", b"shared by nobody", expires_in_s=60)
        receiver.publish("in/b", b"plain", retain=True)
        wait_until(lambda: sorted(bench.payloads()) == [b"plain", b"shared by nobody"])
        for link in bench.links:
            link.stop()


def test_a_broker_that_hangs_up_is_tried_in_the_older_version_and_the_next_in_the_newer(
    bench, monkeypatch
):
    monkeypatch.setattr("controller.mqtt.link._BACKOFF_S", (0.02, 0.1))
    with OldBroker(bench.broker.port, silent=True) as old:
        bench.broker.url = old.url
        link = bench.ready("old", topics=("$share/ingest/in/a",))
        assert old.refused == 3
        link.publish("in/a", b"shared by nobody", expires_in_s=60)
        wait_until(lambda: bench.payloads() == [b"shared by nobody"])
        old.renew()
        wait_until(lambda: len(bench.ups) == 2 and link.up)
        assert old.refused == 3
        assert link._client.protocol is MQTTProtocolVersion.MQTTv5
        link.stop()


def test_reports_are_spread_over_who_shares_the_subscription(bench):
    counts = [[], []]
    for number, mine in enumerate(counts):
        bench.ready(f"worker-{number}", topics=("$share/ingest/in/a",), on_arrival=mine.append)
    sender = bench.ready("sender", topics=())
    for number in range(20):
        sender.publish("in/a", b"%d" % number)
    wait_until(lambda: sum(map(len, counts)) == 20)
    assert all(counts)


def test_who_stops_does_not_wait_for_a_broker_that_stands_still(bench):
    link = bench.ready()
    ended = threading.Event()

    def publish_for_ever():
        try:
            while True:
                link.publish("out/x", b"x", timeout_s=600)
        except LinkDown:
            ended.set()

    bench.broker.process.send_signal(signal.SIGSTOP)
    try:
        publisher = threading.Thread(target=publish_for_ever)
        publisher.start()
        wait_until(lambda: link._outstanding >= link_module._WINDOW)
        link.hurry()
        assert ended.wait(10)
        publisher.join(10)
    finally:
        bench.broker.process.send_signal(signal.SIGCONT)
