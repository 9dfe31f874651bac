"""The words of the wire and the refusals of the audio library, for the pages to name.

The pages import the controller only; what they must say about outcomes, classes of bulletin and
refused recordings comes through here.
"""

from audio_library.errors import AudioError
from audio_library.tune_names import TUNES
from protocol.outcomes import AiringClass, Origin, Outcome, Reason

__all__ = ["TUNES", "AiringClass", "AudioError", "Origin", "Outcome", "Reason"]
