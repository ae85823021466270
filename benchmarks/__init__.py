"""Speed as ratios against peers, timed in turn in the same run. Not tests: no time is asserted."""
