"""The wire reference and the golden examples say what the code does."""

import json
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest

import protocol
from protocol import messages
from protocol.codec import from_json, to_json
from protocol.envelope import Heading, MessageType, heading_of, verify
from protocol.examples.make import CONTROLLER, DEVICE, HERE, examples, page
from protocol.examples.make import messages as golden
from protocol.outcomes import CommandVerb, Outcome, Reason
from protocol.pages import unpack_page

README = (Path(protocol.__file__).parent / "README.md").read_text()
KEYS = {key.verify_key.kid: key.verify_key for key in (CONTROLLER, DEVICE)}
# Compressed bytes depend on the zlib at hand; what is in them does not.
DEPENDS_ON_ZLIB = {"day-page.zlib", "schedule.envelope"}


@pytest.mark.parametrize(("name", "content"), list(examples()))
def test_the_golden_files_are_what_the_code_writes(name, content):
    if name not in DEPENDS_ON_ZLIB:
        assert (HERE / name).read_bytes() == content


@pytest.mark.parametrize(("topic", "type_", "to", "message"), list(golden()))
def test_a_golden_envelope_verifies_and_reads_back(topic, type_, to, message):
    body = verify((HERE / f"{type_}.envelope").read_bytes(), type_, KEYS)
    assert heading_of(body).to == to
    if type_ is not MessageType.SCHEDULE:
        assert from_json(type(message), body) == message
    index = json.loads((HERE / "index.json").read_text())
    assert index["envelopes"][f"{type_}.envelope"] == topic


def test_the_golden_page_reads_back():
    assert unpack_page((HERE / "day-page.zlib").read_bytes()) == page()


def test_every_type_of_message_has_an_example():
    assert {type_ for _, type_, _, _ in golden()} == set(MessageType)


def test_every_field_and_word_of_the_wire_is_in_the_reference():
    kinds = [k for k in vars(messages).values() if isinstance(k, type)]
    ours = [k for k in kinds if is_dataclass(k) and k.__module__.startswith("protocol.")] + [
        Heading
    ]
    names = {f"`{field.name.rstrip('_')}`" for kind in ours for field in fields(kind)}
    words = {
        f"`{word.value}`"
        for words in (Outcome, Reason, CommandVerb, MessageType)
        for word in words
        if word.value
    }
    assert not sorted(word for word in names | words if word not in README)


def as_said_by_a_later_version(value):
    """The JSON of a message in which every object has a field nobody knows yet."""
    if is_dataclass(value):
        said = {f.name.rstrip("_"): getattr(value, f.name) for f in fields(value)}
        known = {name: as_said_by_a_later_version(each) for name, each in said.items()}
        return known | {"from_a_later_version": {"of": ["anything", 1, None]}}
    if isinstance(value, tuple):
        return [as_said_by_a_later_version(item) for item in value]
    return to_json(value)


@pytest.mark.parametrize("message", [*(m for *_, m in golden()), page()], ids=lambda m: type(m))
def test_what_a_later_version_adds_is_ignored(message):
    assert from_json(type(message), as_said_by_a_later_version(message)) == message


@pytest.mark.parametrize("message", [*(m for *_, m in golden()), page()], ids=lambda m: type(m))
def test_what_an_earlier_version_does_not_say_has_its_default(message):
    blank = type(message)()
    for field in fields(message):
        said = to_json(message)
        del said[field.name.rstrip("_")]
        expected = replace(message, **{field.name: getattr(blank, field.name)})
        assert from_json(type(message), said) == expected
