"""What is to be trained: a study, its sweep, its trials, and how long they will take."""
