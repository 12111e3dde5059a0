"""Tools: the scientific models, each with its page: what it is, its form, a call by hand, its plots and its source."""

from typing import Any

import streamlit as st

from tools import all_tools, get_tool, retrieve
from tools.registry import AnyTool, UnknownTool
from ui.view import markup, words
from ui.view.bodies import shown
from ui.view.evidence import certificates_of, units_of
from ui.view.form import FormError, FormField, arguments, form, initial
from ui.web import parts
from ui.web.addresses import link, parameter
from ui.web.attempt import Attempt

LOOK = 0.4  # seconds between two looks at a call


def page() -> None:
    if name := parameter("tool"):
        try:
            _tool(get_tool(name))
        except UnknownTool as error:
            parts.title("Tools")
            parts.complain(error)
            link("tools", "All tools", tool="")
        return
    parts.title(
        "Tools",
        "Published methods, really implemented: checked arguments in, numbers with units and a certificate out.",
    )
    search = st.text_input("Search", key="q", bind="query-params", placeholder="what you want to find out")
    tools = list(all_tools().values())
    found = retrieve(search, tools, 12) if search.strip() else tools
    columns = st.columns(2)
    for k, tool in enumerate(found):
        with columns[k % 2], st.container(border=True):
            link("tools", f"**{words.markdown(tool.name)}**", tool=tool.name)
            st.markdown(words.markdown(tool.description()))
            st.markdown(f":gray[{words.markdown(_source(tool))}]")


def _source(tool: AnyTool) -> str:
    return f"Paper {tool.paper:02d}: {tool.source}" if tool.paper else tool.source


def _tool(tool: AnyTool) -> None:
    link("tools", "← All tools", tool="")
    parts.title(tool.name, tool.description())
    st.markdown(f":gray[{words.markdown(_source(tool))}]")
    left, right = st.columns([1, 1.25], gap="large")
    with left:
        _form(tool)
    with right:
        _outcome(tool)


def _form(tool: AnyTool) -> None:
    if len(tool.examples) > 0:
        st.markdown(":gray[Fill in an example]")
        with st.container(horizontal=True):
            for k, example in enumerate(tool.examples):
                st.button(f"Example {k + 1}", key=f"example-{k}", on_click=_fill, args=(tool, example))
    fields = form(tool)
    with st.form("arguments"):
        filled = {field.name: _input(tool, field) for field in fields}
        sent = st.form_submit_button("Run it", type="primary")
    if sent:
        try:
            given = arguments(fields, filled)
        except FormError as error:
            st.error(words.markdown(str(error)))
            return
        st.session_state["attempt"] = (tool.name, Attempt(parts.executor(), tool.name, given))


def _key(tool: AnyTool, field: str) -> str:
    return f"{tool.name}.{field}"


def _fill(tool: AnyTool, example: dict[str, Any]) -> None:
    """Put an example into the form."""
    for field in form(tool):
        st.session_state[_key(tool, field.name)] = initial(field, example.get(field.name, field.default))


def _input(tool: AnyTool, field: FormField) -> Any:
    """The widget of one input."""
    key, label = _key(tool, field.name), words.markdown(field.label)
    more: dict[str, Any] = {"help": words.markdown(field.help), "key": key}
    if key not in st.session_state:
        st.session_state[key] = initial(field, field.default)
    match field.kind:
        case "flag":
            return st.checkbox(label, **more)
        case "choice":
            return st.selectbox(
                label, field.choices, index=None, accept_new_options=field.open, placeholder="choose", **more
            )
        case "integer":
            low, high = (None if bound is None else int(bound) for bound in (field.low, field.high))
            return st.number_input(label, low, high, value=None, step=1, placeholder="none", **more)
        case "number":
            least, most = (None if bound is None else float(bound) for bound in (field.low, field.high))
            return st.number_input(label, least, most, value=None, format="%g", placeholder="none", **more)
        case "text":
            return st.text_area(label, height=68, **more) if field.required else st.text_input(label, **more)
        case _:
            return st.text_input(label, **more)


def _outcome(tool: AnyTool) -> None:
    name, attempt = st.session_state.get("attempt", ("", None))
    if name != tool.name or attempt is None:
        parts.empty(
            "Nothing run yet.", "Fill the form in and run it; the result, its certificate and its plots stand here."
        )
        return
    running = attempt.running
    st.fragment(_watch, run_every=LOOK if running else None)(tool, attempt, running)


def _watch(tool: AnyTool, attempt: Attempt, watching: bool) -> None:
    if attempt.running:
        st.progress(
            attempt.done, words.markdown(f"{attempt.what or 'working'}, {words.duration(attempt.seconds)} so far")
        )
        if st.button("Stop"):
            attempt.stop()
        return
    if watching:
        st.rerun()  # it has ended: show the whole page anew, and look no more
    if attempt.error is not None:
        parts.complain(attempt.error)
    if attempt.result is not None:
        _result(tool, attempt)


def _result(tool: AnyTool, attempt: Attempt) -> None:
    result, units = attempt.result, units_of(tool)
    assert result is not None
    headline = [name for name in tool.headline if result.output.get(name) is not None]
    for name in headline[:4]:
        unit = units.get(name, "")
        st.html(f'<div class="bp-quiet">{name}</div>' + markup.figure(words.number(result.output[name]), unit))
    st.html(markup.certificates(certificates_of(tool, result.output)))
    st.markdown(f":gray[took {words.duration(result.seconds)}]")
    files = [
        shown(a.name, a.media_type, a.caption, result.files[a.sha256])
        for a in result.artifacts
        if a.sha256 in result.files
    ]
    for k, file in enumerate(sorted(files, key=lambda file: not file.picture)):
        parts.file(file, key=f"file-{k}")
    with st.expander("All outputs", expanded=not headline):
        st.html(markup.fields(result.output, units))
