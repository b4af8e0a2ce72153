"""Parts that any cognitive model can have: side bias, choice kernel."""
