"""The bar on a terminal: the share done, Ctrl-C to cancel, nothing in a script's way."""

import io
import signal

from controller.cli.bar import Bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_sees_the_share_done():
    out = Terminal()
    with Bar(out) as bar:
        bar(0.5)
        assert out.getvalue().endswith("#" * 15 + "." * 15 + "]  50%")
    assert out.getvalue().endswith("\r")


def test_a_script_sees_nothing():
    out = io.StringIO()
    with Bar(out) as bar:
        bar(0.5)
    assert out.getvalue() == ""


def test_an_interrupt_cancels_and_a_second_one_ends_the_program():
    usual = signal.getsignal(signal.SIGINT)
    with Bar(Terminal()) as bar:
        assert not bar.cancelled()
        signal.raise_signal(signal.SIGINT)
        assert bar.cancelled()
        assert signal.getsignal(signal.SIGINT) is usual
    assert signal.getsignal(signal.SIGINT) is usual
