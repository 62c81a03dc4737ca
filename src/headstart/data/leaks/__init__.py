"""Images that two parts share: exact copies, near copies, and how many."""
