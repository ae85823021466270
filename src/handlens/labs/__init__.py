"""Five course labs: what they published, trained again with their own settings, and what one may conclude."""
