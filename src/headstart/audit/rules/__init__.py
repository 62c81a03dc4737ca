"""Rules: the slips that the text of a program can show."""
