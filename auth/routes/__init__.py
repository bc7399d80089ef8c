"""The third floor: HTTP into plain values, and an answer back into HTTP. Nothing is decided here."""
