"""Finding the sentences of the pages that have no English yet."""

import pytest

from deploy.check_texts import main


@pytest.fixture
def pages(tmp_path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "today.html").write_text("<h1>{{ _('Hôm nay') }}</h1>")
    (tmp_path / "login.py").write_text("words = _('Đăng nhập')\n")
    return tmp_path


def catalogue(pages):
    return pages / "i18n" / "en" / "LC_MESSAGES" / "messages.po"


def translate(pages, sentence, english):
    text = catalogue(pages).read_text()
    before = f'msgid "{sentence}"\nmsgstr ""'
    assert before in text
    catalogue(pages).write_text(text.replace(before, f'msgid "{sentence}"\nmsgstr "{english}"'))


def test_a_sentence_without_english_is_named_with_its_place(pages, capsys):
    assert main(["--pages", str(pages)]) == 1
    told = capsys.readouterr().err
    assert "templates/today.html:1: Hôm nay" in told
    assert "login.py:1: Đăng nhập" in told


def test_a_filled_catalogue_is_content(pages):
    main(["--pages", str(pages), "--update"])
    translate(pages, "Hôm nay", "Today")
    translate(pages, "Đăng nhập", "Log in")
    assert main(["--pages", str(pages)]) == 0


def test_an_update_keeps_the_english_and_drops_what_nobody_says(pages):
    main(["--pages", str(pages), "--update"])
    translate(pages, "Hôm nay", "Today")
    translate(pages, "Đăng nhập", "Log in")
    (pages / "login.py").write_text("words = _('Thoát')\n")
    assert main(["--pages", str(pages), "--update"]) == 1
    text = catalogue(pages).read_text()
    assert 'msgstr "Today"' in text
    assert "Thoát" in text
    assert "Đăng nhập" not in text


def test_a_guess_does_not_count(pages):
    main(["--pages", str(pages), "--update"])
    translate(pages, "Hôm nay", "Today")
    translate(pages, "Đăng nhập", "Log in")
    text = catalogue(pages).read_text()
    catalogue(pages).write_text(text.replace('msgid "Hôm nay"', '#, fuzzy\nmsgid "Hôm nay"'))
    assert main(["--pages", str(pages)]) == 1
