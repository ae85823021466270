"""Studies: planned, trained, stored, searched; on one machine or on many."""
