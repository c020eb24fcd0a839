"""FastHTML: pages as Python, with a session of its own inside."""

from __future__ import annotations

from fasthtml.common import P, Titled, fast_app

from example_app.recipes.surroundings import SECRET
from tests.third_party.door import behind_door

theirs, route = fast_app(secret_key=SECRET)


@route("/")
def home() -> object:
    """Show a patient."""
    return Titled("Patients", P("T. Okoye"))


app, gate = behind_door(theirs)
