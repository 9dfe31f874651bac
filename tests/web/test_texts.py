"""Both languages are complete, and say the same things with the same blanks."""

import re
from pathlib import Path

from babel.messages.pofile import read_po

from deploy.check_texts import sentences, untranslated

WEB = Path(__file__).parent.parent.parent / "web"


def english():
    with (WEB / "i18n" / "en" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale="en")


def test_every_sentence_has_its_english():
    assert untranslated(sentences(WEB), english()) == []


def test_no_translation_is_left_over():
    said = {str(message.id) for message in sentences(WEB)}
    assert [message.id for message in english() if str(message.id) not in said] == []


def test_a_translation_has_the_blanks_of_its_original():
    for message in english():
        originals = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        for text in strings if message.id else ():
            assert blanks(text) == blanks(originals[0]), message.id


def blanks(text):
    return set(re.findall(r"%\(\w+\)[sd]", text))


def test_no_template_says_vietnamese_outside_a_translation():
    letters = re.compile(r"[ăâđêôơưĂÂĐÊÔƠƯ\u1ea0-\u1ef9]")
    found = []
    for path in (WEB / "templates").rglob("*.html"):
        text = path.read_text(encoding="utf-8").replace("Tiếng Việt", "")
        bare = re.sub(r"\{[{%#].*?[%#}]\}", "", text, flags=re.DOTALL)
        found += [f"{path.name}: {line}" for line in bare.splitlines() if letters.search(line)]
    assert found == []
