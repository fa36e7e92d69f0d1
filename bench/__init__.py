"""What Deepboard costs and how good it is. Never part of the tests."""
