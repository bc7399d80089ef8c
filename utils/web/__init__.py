"""HTTP: request bodies, answers, cookies, headers, the caller."""
