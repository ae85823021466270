"""Models that the user brings: built, found out about, trained, served again."""
