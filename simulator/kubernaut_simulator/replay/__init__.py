"""Replay: recorded looks go through the engine again, perhaps by another policy or on other terms."""
