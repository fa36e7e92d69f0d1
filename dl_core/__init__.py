"""Deepboard's library: from a data file to a trained, explained and proven model. Never imports Streamlit."""
