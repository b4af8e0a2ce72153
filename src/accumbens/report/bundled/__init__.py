"""Libraries that pages carry; see README.md here."""
