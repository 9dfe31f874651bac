"""What a node will hear of a clip: its packets decoded and metered as they are made."""

from collections.abc import Sequence

import av
import numpy as np

from audio_library.graph import Block
from audio_library.heard import Heard
from audio_library.meters import LoudnessMeter, TruePeakMeter
from audio_library.settings import DELIVERY_RATE_HZ
from audio_library.waveform import Waveform


class Ear:
    """Meters the mono sound of a clip, block by block, at the delivery rate."""

    def __init__(self) -> None:
        self._loudness = LoudnessMeter(DELIVERY_RATE_HZ)
        self._peak = TruePeakMeter()
        self._waveform = Waveform()

    def push(self, sound: Block) -> None:
        self._loudness.push(sound)
        self._peak.push(sound)
        self._waveform.push(sound)

    def heard(self, frames: int) -> Heard:
        """The figures, once everything was pushed."""
        return Heard(
            frames=frames,
            loudness_lufs=self._loudness.integrated_lufs(),
            true_peak_dbtp=self._peak.dbtp(),
            peaks=self._waveform.points(),
        )


class Listener:
    """Takes Opus packets; their encoder's run-in of 6.5 ms is silence and changes no figure."""

    def __init__(self) -> None:
        # libopus, as on the nodes: FFmpeg's own decoder differs by up to 0.2 dB at the peaks.
        self._decoder = av.AudioCodecContext.create("libopus", "r")
        self._decoder.options = {"request_sample_fmt": "flt"}
        self._decoder.sample_rate = DELIVERY_RATE_HZ
        self._decoder.layout = "mono"
        self._ear = Ear()

    def push(self, packets: Sequence[bytes]) -> None:
        sounds = [
            frame.to_ndarray()[0]
            for packet in packets
            for frame in self._decoder.decode(av.Packet(packet))
        ]
        if sounds:
            self._ear.push(np.concatenate(sounds))

    def heard(self, frames: int) -> Heard:
        """The figures, once all packets were pushed."""
        return self._ear.heard(frames)
