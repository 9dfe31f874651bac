"""`loalang doctor`: what is wrong and how to mend it."""

import argparse
import json
from datetime import UTC, datetime
from typing import Any

from controller.cli.console import DONE, FAILED, Console
from controller.cli.parsing import add as add_word
from controller.upkeep.diagnosis import Health, examine

_SIGNS = {Health.WELL: "ok", Health.WARNING: "!", Health.BROKEN: "X"}


def add(words: Any) -> None:
    """The word `doctor`."""
    add_word(words, "doctor", doctor, "what is wrong and how to mend it")


def doctor(console: Console, _asked: argparse.Namespace) -> int:
    """Fails when something is broken; warnings alone are no failure."""
    findings = list(examine(console.settings, datetime.now(UTC)))
    if console.as_json:
        records = [
            {"name": f.name, "health": f.health.value, "vi": f.vi, "en": f.en} for f in findings
        ]
        print(json.dumps(records, ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            sentence = finding.en if console.english else finding.vi
            print(f"{_SIGNS[finding.health]:<3} {finding.name:<16} {sentence}".rstrip())
    broken = any(finding.health is Health.BROKEN for finding in findings)
    return FAILED if broken else DONE
