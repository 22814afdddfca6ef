"""Verification: from judgements and time to verdicts; resumable, because every deadline lives in the status."""
