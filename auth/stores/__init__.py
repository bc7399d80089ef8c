"""The first floor: SQL, and nothing else. A store never decides and never commits."""
