"""Tables by capability. `models.py` has those of accounts, and re-exports all others."""
