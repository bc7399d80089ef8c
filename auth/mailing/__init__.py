"""Mail: links, messages and their delivery."""
