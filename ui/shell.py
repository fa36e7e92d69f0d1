"""The frame of every page: navigation, look, header; then the page itself."""

from pathlib import Path

import streamlit as st

from dl_core.errors import DeepboardError
from ui import header, navigation, show, state, warm

ABOUT = "**Deepboard** turns a data file into a trained, explained, downloadable deep learning model."
STATIC = Path(__file__).parent / "static"

st.set_page_config(
    page_title="Deepboard", page_icon=str(STATIC / "icon.png"), layout="wide", menu_items={"About": ABOUT}
)
state.sync()
pages = navigation.pages()
page = st.navigation(list(pages.values()))
name = st.session_state["page"] = next(name for name, known in pages.items() if known == page)
st.set_page_config(page_title=f"{page.title} · Deepboard")
if name != "overview":
    state.write_link()
elif "run" in st.query_params:  # a link that names a run shows it, whatever page it was made for
    navigation.go("run")
st.logo(str(STATIC / ("logo-dark.svg" if state.is_dark() else "logo.svg")), icon_image=str(STATIC / "icon.png"))
st.html(STATIC / "look.css")
st.html(STATIC / "answers.css")
scheme = "dark" if state.is_dark() else "light"
st.html(f"<style>[role=dialog], [data-testid=stPopoverBody] {{ color-scheme: {scheme}; }}</style>")
header.show()
try:
    page.run()
except DeepboardError as error:
    show.error(error)
warm.start()
