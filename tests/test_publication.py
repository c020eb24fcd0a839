"""The page with the measured prices is made from the tables that the benchmarks print."""

from __future__ import annotations

from tests.benchmarks._publication import HERE, about_script, machine, page


def test_the_page_has_each_table_under_the_title_of_its_script() -> None:
    """A table stands as it was printed, with its command, the machine and the day."""
    made = page({"bench_gate": "stack   of session\n+ session   1.000   \n"}, {"Python": "3.11.7"}, "2026-11-29")
    assert "Measured on 2026-11-29." in made
    assert "| Python | 3.11.7 |" in made
    assert "## The time that the gate adds to a request, beside what other middlewares add\n" in made
    assert "`python -m tests.benchmarks.bench_gate`\n\n```\nstack   of session\n+ session   1.000\n```\n" in made


def test_each_script_says_in_its_first_line_what_it_measures() -> None:
    """A script without a docstring would have the name of its file as the title."""
    scripts = sorted(path.stem for path in HERE.glob("bench_*.py"))
    assert len(scripts) >= 10
    assert not [name for name in scripts if about_script(name)[0] == name]


def test_the_machine_is_named() -> None:
    """A number without machine and versions says nothing."""
    found = machine()
    assert all(
        found[part] for part in ("processor", "system", "Python", "SQLite", "PostgreSQL", "starlette", "django-otp")
    )
