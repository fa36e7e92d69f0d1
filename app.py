"""Deepboard's entry: `streamlit run app.py` serves the pages and the upload and download routes on one port."""

import streamlit as st

from ui.routes import MIDDLEWARE, ROUTES, lifespan


def say_what_failed(error: Exception) -> bool:
    from ui import show  # declares caches, which want a running server

    return show.unexpected(error)


app = st.App("ui/shell.py", routes=ROUTES, middleware=MIDDLEWARE, lifespan=lifespan, on_script_error=say_what_failed)
