"""Shiny for Python: a page whose life is on a websocket."""

from __future__ import annotations

from shiny import App, ui

from tests.third_party.door import behind_door

theirs = App(ui.page_fluid("Patient: T. Okoye"), None)
app, gate = behind_door(theirs, starts=theirs.starlette_app)
