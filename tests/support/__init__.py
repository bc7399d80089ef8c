"""What tests share: apps, clients, servers, models."""
