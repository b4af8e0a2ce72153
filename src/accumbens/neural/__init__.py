"""Photometry, responses to events, and what they respond to."""
