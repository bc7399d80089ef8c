"""SQL of the provider: one file per table. Never commits."""
