"""Tuning: from a replayed history to settings, each flag with its reason; and the ConfigMaps that carry them."""
