"""How loud each frame may be where hours of different volume meet."""

from device.player.envelope import RAMP_FRAMES, Envelope
from device.player.score import RATE


def test_without_bands_everything_is_at_full_volume():
    assert Envelope.of([]).at(12345) == 1.0


def test_one_band_holds_throughout():
    envelope = Envelope.of([[0, 60]])
    assert [envelope.at(frame) for frame in (-5, 0, 10**9)] == [0.6, 0.6, 0.6]


def test_it_is_quieter_by_the_border_and_louder_only_after_it():
    envelope = Envelope.of([[0, 100], [10 * RATE, 50], [20 * RATE, 100]])
    assert envelope.at(10 * RATE - RAMP_FRAMES) == 1.0
    assert envelope.at(10 * RATE - RAMP_FRAMES // 2) == 0.75
    assert envelope.at(10 * RATE) == envelope.at(20 * RATE) == 0.5
    assert envelope.at(20 * RATE + RAMP_FRAMES) == 1.0


def test_bands_too_short_for_a_ramp_never_exceed_what_follows():
    bands = [[0, 50], [RATE, 100], [2 * RATE, 30], [3 * RATE, 80]]
    envelope = Envelope.of(bands)
    for frame in range(0, 2 * RATE, 100):
        assert envelope.at(frame) <= 0.5
    assert max(envelope.at(frame) for frame in range(2 * RATE, 3 * RATE, 100)) <= 0.3
    assert envelope.at(10 * RATE) == 0.8
