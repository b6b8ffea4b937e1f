"""What travels between the portal and the other systems: frozen, typed, one module for each system."""
