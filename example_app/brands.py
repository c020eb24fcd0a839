"""Describe each organization's product: its name, its rows, its look."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BRANDS", "NEUTRAL", "Brand", "brand_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """Describe one product. ``look`` names the colors in the stylesheet.

    ``rows`` are (title, note, state).
    """

    look: str
    name: str
    organization: str
    tagline: str
    noun: str
    nouns: str
    title_label: str
    example: str
    rows: tuple[tuple[str, str, str], ...] = ()


NEUTRAL = Brand(
    look="example",
    name="Example Records",
    organization="Example Security",
    tagline="One place for the records your team relies on.",
    noun="record",
    nouns="Records",
    title_label="Title",
    example="Quarterly access review",
    rows=(
        ("Quarterly access review", "All five organizations, evidence attached", "Open"),
        ("Policy change 14", "Seven days of grace confirmed", "Done"),
    ),
)

BRANDS = {
    "assessments": Brand(
        look="assessments",
        name="Brightpath",
        organization="Brightpath Assessments",
        tagline="Assessments that show where every learner stands.",
        noun="assessment",
        nouns="Assessments",
        title_label="Learner and subject",
        example="Grade 7 reading, spring window",
        rows=(
            ("Grade 4 mathematics, winter window", "28 of 30 learners finished", "Open"),
            ("Grade 7 reading, winter window", "All results are in", "Done"),
            ("Grade 2 phonics screening", "Starts on Monday", "Planned"),
            ("Grade 10 biology, unit 3", "Two make-up sessions left", "Open"),
        ),
    ),
    "practice": Brand(
        look="practice",
        name="Ledgerline",
        organization="Ledgerline Practice",
        tagline="Every client and every deadline of your practice.",
        noun="job",
        nouns="Jobs",
        title_label="Client and job",
        example="Orchard Bakery, annual accounts",
        rows=(
            ("Orchard Bakery, annual accounts", "Waiting for the bank statements", "Open"),
            ("Riverside Dental, payroll", "Filed for this month", "Done"),
            ("Tallis & Daughters, tax return", "Draft is with the client", "Open"),
            ("Copperfield Studio, bookkeeping", "Starts next week", "Planned"),
        ),
    ),
    "clinic": Brand(
        look="clinic",
        name="Harbor",
        organization="Harbor Clinic",
        tagline="Charts, visits and results, with the patient in the middle.",
        noun="chart",
        nouns="Charts",
        title_label="Patient and visit",
        example="R. Delgado, follow-up",
        rows=(
            ("R. Delgado, follow-up", "Blood pressure is back to normal", "Done"),
            ("M. Whitfield, first visit", "History taken, lab ordered", "Open"),
            ("J. Osei, physiotherapy", "Session 4 of 8", "Open"),
            ("A. Lindgren, vaccination", "Booked for Thursday", "Planned"),
        ),
    ),
    "screening": Brand(
        look="screening",
        name="Clearview",
        organization="Clearview Screening",
        tagline="Background checks that people can understand.",
        noun="check",
        nouns="Checks",
        title_label="Applicant and check",
        example="T. Brooks, employment history",
        rows=(
            ("T. Brooks, employment history", "Two of three employers answered", "Open"),
            ("K. Iyer, professional license", "Confirmed by the state board", "Done"),
            ("L. Novotny, education", "Request goes out today", "Planned"),
            ("D. Hassan, identity", "Document under review", "Open"),
        ),
    ),
    "finance": Brand(
        look="finance",
        name="Northgate",
        organization="Northgate Finance",
        tagline="Payments approved with care, and traced to the cent.",
        noun="payment",
        nouns="Payments",
        title_label="Payee and purpose",
        example="Meridian Freight, invoice 2041",
        rows=(
            ("Meridian Freight, invoice 2041", "$12,480.00, second approval missing", "Open"),
            ("Payroll, monthly run", "$84,210.55 to 31 people", "Done"),
            ("City utilities, quarter", "$3,905.10, due in nine days", "Planned"),
            ("Halden Tools, deposit", "$1,250.00, approved by two", "Done"),
        ),
    ),
}


def brand_of(tenant: str) -> Brand:
    """Find the product of ``tenant``; people of no organization see the neutral one."""
    return BRANDS.get(tenant, NEUTRAL)
