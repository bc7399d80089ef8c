"""API tokens: made by an account for its programs, never wider than what the account may do now."""
