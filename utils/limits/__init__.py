"""Rate limits and the delay of refusals."""
