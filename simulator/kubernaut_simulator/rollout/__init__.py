"""Rolling enforcement out by stages: a plan made by simulating it, and live progress held against the plan."""
