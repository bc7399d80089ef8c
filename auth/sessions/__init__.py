"""Sessions: admission, refresh, list, end, step-up."""
