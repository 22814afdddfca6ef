"""What the guards change for the business: accounts of a replay, and effects by assigned arm of a rollout."""
