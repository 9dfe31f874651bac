"""Remarks on a recording before it is shaped."""

import numpy as np
import pytest

from audio_library.survey import Channels


@pytest.mark.parametrize("loud", [0, 1])
def test_clipping_is_found_in_whichever_channel_it_is(loud):
    block = np.zeros((2, 48_000), np.float32)
    block[loud] = np.clip(3 * np.sin(np.arange(48_000) * 0.05), -1, 1)
    channels = Channels()
    channels.add(block)
    assert {each.code for each in channels.warnings()} == {"clipped", "one_channel"}
