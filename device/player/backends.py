"""Which sink a setting names: `alsa:DEVICE`, `portaudio:DEVICE`, `file:DIR` or `null`."""

from collections.abc import Callable

from device.errors import SinkError
from device.player.sinks import EmulatedCard, Sink

EMULATED_BUFFER_MS = 500


def opener(sink: str, buffer_ms: int) -> Callable[[], Sink]:
    """What opens the sink named by the setting; the device's library is loaded on first use."""
    kind, _, rest = sink.partition(":")
    if kind in {"file", "null"}:
        # Its queue can be taken back, so a stop is as quick with a long one.
        return lambda: EmulatedCard(max(buffer_ms, EMULATED_BUFFER_MS))
    if kind == "alsa":
        return lambda: _alsa(rest, buffer_ms)
    if kind == "portaudio":
        return _portaudio(rest, buffer_ms)

    def refuse() -> Sink:
        raise SinkError(
            f"no backend for {sink!r}: use alsa:DEVICE, portaudio:DEVICE, file:DIR or null",
            retryable=False,
        )

    return refuse


def _alsa(device: str, buffer_ms: int) -> Sink:
    from device.player.alsa import AlsaCard

    return AlsaCard(device, buffer_ms)


def _portaudio(device: str, buffer_ms: int) -> Callable[[], Sink]:
    from device.player.portaudio import PortAudio, load_library

    return PortAudio(device, buffer_ms, load_library)
