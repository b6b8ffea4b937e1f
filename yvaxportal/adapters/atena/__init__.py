"""The integrated atena system."""
