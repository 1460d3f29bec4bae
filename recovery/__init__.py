"""Finds and mends what a crash left behind, through the same doors and guards as everyone."""
