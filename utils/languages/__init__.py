"""Languages: their texts, the choice of one, and how they write dates and numbers."""
