"""A client of a broker that says how it was received and what it heard."""

import ssl
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

DEADLINE_S = 10


class Visitor:
    """One MQTT 5 client: what the broker said to its CONNECT, and what it received."""

    def __init__(
        self, port, *, client_id="visitor", user=None, password=None, authority=None, identity=None
    ):
        self.port = port
        self.reply = threading.Event()
        self.reason = None
        self.received = []
        self.news = threading.Condition()
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5
        )
        if user:
            self.client.username_pw_set(user, password)
        if authority:
            context = ssl.create_default_context(cafile=authority)
            if identity:
                context.load_cert_chain(identity)
            self.client.tls_set_context(context)
        self.client.on_connect = self._on_connect
        self.client.on_message = self._on_message

    def _on_connect(self, client, userdata, flags, reason, properties):
        self.reason = reason
        self.reply.set()

    def _on_message(self, client, userdata, message):
        with self.news:
            self.received.append(message.topic)
            self.news.notify_all()

    def __enter__(self):
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()
        assert self.reply.wait(DEADLINE_S)
        return self

    def __exit__(self, *failure):
        self.client.disconnect()
        self.client.loop_stop()

    def subscribe(self, topic):
        done = threading.Event()
        self.client.on_subscribe = lambda *_: done.set()
        self.client.subscribe(topic, qos=1)
        assert done.wait(DEADLINE_S)

    def publish(self, topic):
        """The reason code of the PUBACK: a broker says there who may not write."""
        done, codes = threading.Event(), []

        def on_publish(client, userdata, mid, reason, properties):
            codes.append(reason)
            done.set()

        self.client.on_publish = on_publish
        self.client.publish(topic, b"x", qos=1)
        assert done.wait(DEADLINE_S)
        return codes[0]

    def wait_for(self, topic):
        with self.news:
            return self.news.wait_for(lambda: topic in self.received, DEADLINE_S)
