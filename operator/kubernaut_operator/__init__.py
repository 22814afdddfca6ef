"""The operator: performs the engine's intents against a live API server. Its controllers come with a later release."""
