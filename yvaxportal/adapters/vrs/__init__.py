"""The vaccination record system."""
