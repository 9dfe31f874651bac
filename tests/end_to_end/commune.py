"""The demo as a test sees it: real processes, its API, and what its nodes left as evidence."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.end_to_end.recording import likeness, read_wav
from tests.support.waiting import wait_until

START_S = 90


class Commune:
    """`with Commune.running(folder) as commune: …`; every process is gone afterwards."""

    def __init__(self, folder, process):
        self.folder = Path(folder)
        self.process = process

    @classmethod
    @contextlib.contextmanager
    def running(cls, folder, nodes=3, **environment):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        ready = folder / "ready.json"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "deploy.cli", "demo", "--nodes", str(nodes)]
        command += ["--port", "0", "--dir", folder / "commune", "--ready-file", ready]
        with (folder / "demo.log").open("ab") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **environment}
            )
        commune = cls(folder, process)
        try:
            wait_until(commune._up, START_S, 0.1, what=f"the demo; see {folder}")
            yield commune
        finally:
            commune.stop()

    def stop(self):
        """As Ctrl-C does; returns the exit status and the seconds it took."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(20)
        return status, time.monotonic() - began

    @property
    def told(self):
        return json.loads((self.folder / "ready.json").read_text(encoding="utf-8"))

    @property
    def nodes(self):
        return self.told["nodes"]

    def kill(self, name):
        """End a part as a crash does; returns the killed process id."""
        pid = self.told["pids"][name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def pause(self, name):
        os.kill(self.told["pids"][name], signal.SIGSTOP)

    def resume(self, name):
        os.kill(self.told["pids"][name], signal.SIGCONT)

    def wait_restarted(self, name, old_pid, deadline_s=10):
        wait_until(lambda: self.told["pids"].get(name, old_pid) != old_pid, deadline_s, what=name)

    # --- the API -------------------------------------------------------------------------------

    def call(self, method, path, body=None, *, raw=None, content_type="application/json"):
        """(status, parsed answer); bytes where the answer is not JSON."""
        data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.told['url']}/api/v1{path}", data, method=method)
        request.add_header("Authorization", f"Bearer {self.told['token']}")
        if data is not None:
            request.add_header("Content-Type", content_type)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, _parsed(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _parsed(error)

    def get(self, path):
        status, answer = self.call("GET", path)
        assert status == 200, answer
        return answer

    def post(self, path, body, expect=201):
        status, answer = self.call("POST", path, body)
        assert status == expect, answer
        return answer

    def upload(self, path, **about):
        """A multipart upload of a recording; the clip."""
        boundary = uuid.uuid4().hex
        fields = {"title": "Bản thu thử", "topic": "5", "language": "vi", **about}
        lines = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; '
            f'filename="{path.name}"\r\nContent-Type: audio/wav\r\n\r\n'
        )
        raw = "".join(lines).encode() + head.encode() + path.read_bytes()
        raw += f"\r\n--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        status, clip = self.call("POST", "/clips", raw=raw, content_type=kind)
        assert status == 201, clip
        return clip

    def approve(self, kind, id_):
        status, answer = self.call("POST", f"/{kind}/{id_}/approve")
        assert status in (200, 204), answer

    def commune_area(self):
        return next(a for a in self.get("/areas")["items"] if a["name"] == "Xã Mẫu")["id"]

    def schedule(self, clip, starts_in_s, **fields):
        """An approved one-off broadcast to the whole commune: (airing id, start)."""
        starts_at = datetime.now(UTC) + timedelta(seconds=starts_in_s)
        starts_at = starts_at.replace(microsecond=0)
        made = self.post(
            "/schedules",
            {
                "title": "Phát thử",
                "items": [{"clip_id": clip["id"]}],
                "area_ids": [self.commune_area()],
                "class": "normal",
                "starts_at": starts_at.isoformat(),
                **fields,
            },
        )
        self.approve("schedules", made["id"])
        items = self.get("/airings?limit=200")["items"]
        airing = next(a for a in items if a["schedule_id"] == made["id"])
        return airing["id"], starts_at

    def ready(self, airing_id):
        """Whether every node holds what the airing needs."""
        items = self.get("/airings?limit=200")["items"]
        found = next(a for a in items if a["id"] == airing_id)["readiness"]
        return found["total"] > 0 and found["ready"] == found["total"]

    def playbacks(self, airing_id):
        return self.get(f"/playbacks?airing_id={airing_id}")["items"]

    def outcomes(self, airing_id):
        """Node code → outcome, of rows that have one."""
        codes = {node["id"]: node["code"] for node in self.nodes}
        rows = self.playbacks(airing_id)
        return {codes[row["node_id"]]: row["outcome"] for row in rows if row["outcome"]}

    def library_sound(self, clip, folder):
        """What the library produced for a clip, decoded."""
        status, audio = self.call("GET", f"/clips/{clip['id']}/audio")
        assert status == 200, audio
        encoded, decoded = folder / "library.ogg", folder / "library.wav"
        encoded.write_bytes(audio)
        subprocess.run(
            ["ffmpeg", "-y", "-loglevel", "error", "-i", encoded, "-ac", "1", "-ar", "48000",
             "-c:a", "pcm_s16le", decoded],
            check=True,
        )  # fmt: skip
        return read_wav(decoded)[0]

    def _up(self):
        if self.process.poll() is not None:
            log = (self.folder / "demo.log").read_text(encoding="utf-8")
            raise AssertionError(f"the demo ended with {self.process.returncode}:\n{log[-3000:]}")
        return (self.folder / "ready.json").exists()


@dataclass(frozen=True)
class Evidence:
    """What a node's loudspeaker was given, and what its amplifier's pin did."""

    sound: dict
    samples: object
    on_at: float
    off_at: float

    @property
    def ends_at(self):
        return self.sound["first_frame_at"] + self.sound["frames"] / self.sound["rate"]

    def likeness(self, other):
        return likeness(self.samples, other)


def evidence(node, airing_id):
    """The evidence of one airing on one node, once it is complete."""
    folder = Path(node["dir"])
    file = folder / "sound" / f"{airing_id}.json"
    wait_until(file.exists, 10, what=str(file))
    sound = json.loads(file.read_text(encoding="utf-8"))
    samples, rate = read_wav(folder / "sound" / f"{airing_id}.wav")
    assert rate == sound["rate"] == 48_000

    def pin():
        return _pin_lines(folder, airing_id)

    wait_until(lambda: len(pin()) >= 2, 10, what="the amplifier to switch off")
    on, off = pin()[0], pin()[-1]
    assert (on["on"], off["on"]) == (True, False)
    return Evidence(sound, samples, on["at"], off["at"])


def pin_is_low(node):
    """Whether the amplifier's pin was last seen low, as it is before its first change."""
    file = Path(node["dir"]) / "amplifier.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return not lines or json.loads(lines[-1])["on"] is False


def _pin_lines(folder, airing_id):
    """The changes of the pin from this airing's switching on to the next switching off."""
    lines = [
        json.loads(line)
        for line in (folder / "amplifier.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    first = next((i for i, x in enumerate(lines) if x["on"] and x["airing_id"] == airing_id), None)
    if first is None:
        return []
    last = next((i for i in range(first, len(lines)) if not lines[i]["on"]), None)
    return lines[first : last + 1] if last else lines[first : first + 1]


def _parsed(response):
    raw = response.read()
    return json.loads(raw) if "json" in response.headers.get("Content-Type", "") else raw
