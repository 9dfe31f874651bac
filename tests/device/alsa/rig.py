"""The emulated ALSA card: built with gcc on the spot, its log read back as instants."""

import atexit
import functools
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).with_name("fakecard.c")
RATE = 48_000


def missing():
    """What the rig needs and this machine lacks; empty when it can be built."""
    lacks = []
    if not shutil.which("gcc"):
        lacks.append("gcc")
    if not Path("/usr/include/alsa/pcm_ioplug.h").exists():
        lacks.append("libasound2-dev")
    if not Path("/usr/share/alsa/alsa.conf").exists():
        lacks.append("libasound2-data")
    return lacks


def _in_memory():
    """A folder whose files never wait for a disk, until the process ends."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def _built():
    """The card's library, made once a process."""
    library = _in_memory() / "libasound_module_pcm_fakecard.so"
    command = ["gcc", "-O2", "-shared", "-fPIC", "-DPIC", "-D_GNU_SOURCE"]
    subprocess.run([*command, SOURCE, "-o", library, "-lasound"], check=True)
    return library


@dataclass
class Rig:
    """One emulated card under the device name `fake`."""

    folder: Path
    ppm: int = 0
    gran: int = 1
    environment: dict = field(default_factory=dict)

    def __post_init__(self):
        config = self.folder / "asound.conf"
        config.write_text(
            "</usr/share/alsa/alsa.conf>\n"
            f'pcm_type.fakecard {{ lib "{_built()}" }}\n'
            f"pcm.fakehw {{ type fakecard ppm {self.ppm} gran {self.gran} }}\n"
            "pcm.fake { type plug slave.pcm fakehw }\n"
        )
        # The card writes its log itself: a disk's full queue must not hold it up.
        self.log = _in_memory() / "card.log"
        self.gone = self.folder / "gone"
        self.environment = {
            "ALSA_CONFIG_PATH": str(config),
            "FAKECARD_LOG": str(self.log),
            "FAKECARD_GONE": str(self.gone),
        }

    def sounds(self):
        """(begin, end) in monotonic seconds of everything that was heard; an end may be None."""
        rate = RATE * (1 + self.ppm / 1e6)
        began, found, on = 0.0, [], None
        for line in self.log.read_text().splitlines() if self.log.exists() else []:
            word, _, value = line.partition(" ")
            if word == "start":
                began = float(value)
            elif word == "on":
                on = began + float(value) / rate
                found.append([on, None])
            elif word == "off" and found:
                found[-1][1] = began + float(value) / rate
        return [tuple(each) for each in found]

    def count(self, word):
        if not self.log.exists():
            return 0
        return sum(line.startswith(word) for line in self.log.read_text().splitlines())
