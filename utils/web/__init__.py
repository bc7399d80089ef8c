"""HTTP: request bodies, responses, cookies, headers and client addresses."""
