"""Rules by which the better side reverses as a consequence of choices and rewards."""
