"""Verification: from judgements and time to verdicts; resumable: every deadline lives in the status."""
