"""Scripts and style of the page."""
