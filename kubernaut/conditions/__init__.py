"""Conditions: who attaches them, where their policy and settings come from, and which text wins."""
