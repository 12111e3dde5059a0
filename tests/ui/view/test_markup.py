import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from ui.view import markup, words
from ui.view.diff import words_changed
from ui.view.evidence import Certificate

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


def pieces(said: str) -> list[str]:
    return [
        markup.prose(said, said),
        markup.verbatim(said),
        markup.text(said),
        markup.table((said,), [(said,)], caption=said),
        markup.fields({said: said, "long": said * 20, "rows": [{said: said}]}, {said: said}),
        markup.facts({said: said}),
        markup.certificates([Certificate(said, 1.0, 0.5)]),
        markup.changes(words_changed(said, said[::-1])),
        markup.figure(said, said),
    ]


def test_no_text_becomes_markup() -> None:
    for piece in pieces(EVIL):
        tags = set(re.findall(r"<(/?\w+)", piece))
        assert not tags & {"script", "img", "/script"}
        assert not [names for _, *names in Tags(piece).found if "onerror" in names]
        assert "&lt;" in piece


class Tags(HTMLParser):
    """The tags of a piece with the names of their attributes, and its text."""

    def __init__(self, piece: str) -> None:
        super().__init__()
        self.found: list[tuple[str, ...]] = []
        self.text = ""
        self.feed(piece)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, *(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(alphabet="<>\"'&=/ax-!", min_size=1, max_size=30))
def test_whatever_a_text_says_the_tags_are_ours_and_the_text_is_there(said: str) -> None:
    for make in (
        lambda t: markup.prose(t, t),
        markup.verbatim,
        lambda t: markup.table((t,), [(t,)], caption=t),
        lambda t: markup.facts({t: t}),
        lambda t: markup.figure(t, t),
        lambda t: markup.certificates([Certificate(t, 1.0, 0.5)]),
    ):
        evil, innocent = Tags(make(said)), Tags(make("a"))
        assert evil.found == innocent.found
        assert said in evil.text


def test_a_figure_stands_with_its_unit_and_a_table_with_its_head() -> None:
    assert markup.figure("10,014", "$/h") == '<div class="bp-big">10,014 <span class="bp-unit">$/h</span></div>'
    shown = markup.table(("line", "MW"), [("6-8", 32.0)], right=(1,))
    assert '<th scope="col">line</th><th scope="col" class="bp-num">MW</th>' in shown
    assert '<td>6-8</td><td class="bp-num">32</td>' in shown


def test_markdown_shows_every_mark_as_it_is() -> None:
    said = words.markdown("![x](http://e.vil) **b** $x$ <b> :red[x] `c`\n# h | ~~s~~")
    assert said == ("\\!\\[x\\]\\(http\\:\u2060" r"//e\.vil\) \*\*b\*\* \$x\$ \<b\> \:red\[x\] \`c\` \# h \| \~\~s\~\~")
