"""Figures of papers, composed from a result's stored records."""
