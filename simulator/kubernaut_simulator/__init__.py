"""The simulator: replays history through the engine and says which conditions may be required, with numbers."""
