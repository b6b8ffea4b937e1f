"""Names under which the portal's own short-lived secrets are sealed; a name is bound to what it seals."""


def output_password_name(output_id: int) -> str:
    """Return the name under which the password of a file that leaves is sealed until it is shown."""
    return f"output:{output_id}"
