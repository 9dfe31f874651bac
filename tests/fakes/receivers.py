"""Real receivers of what alerts send, on this machine: a mail server and a webhook."""

import json
import socketserver
import threading
from contextlib import contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer


class Webhook(HTTPServer):
    def __init__(self, handler, heard):
        super().__init__(("127.0.0.1", 0), handler)
        self.heard = heard


class MailServer(socketserver.TCPServer):
    def __init__(self, handler, heard):
        super().__init__(("127.0.0.1", 0), handler)
        self.heard = heard
        self.port = self.server_address[1]


@contextmanager
def _serving(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def hooked():
    """A webhook; `server.heard` is what was posted, `server.server_port` where."""

    heard = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append(json.loads(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    return _serving(Webhook(Hook, heard))


def posted():
    """A mail server; `server.heard` are (recipients, the message), `server.port` where."""

    heard = []

    class Mail(socketserver.StreamRequestHandler):
        def handle(self):
            self._say("220 here")
            to = []
            while line := self.rfile.readline().strip():
                word = line.split(b" ")[0].upper()
                if word == b"RCPT":
                    to.append(line.partition(b"<")[2].partition(b">")[0].decode())
                if word == b"DATA":
                    self._say("354 go on")
                    heard.append((to, self._message()))
                self._say("221 bye" if word == b"QUIT" else "250 yes")
                if word == b"QUIT":
                    return

        def _message(self):
            lines = []
            while (line := self.rfile.readline()) != b".\r\n":
                lines.append(line)
            return message_from_bytes(b"".join(lines), policy=policy.default)

        def _say(self, text):
            self.wfile.write(f"{text}\r\n".encode())

    return _serving(MailServer(Mail, heard))
