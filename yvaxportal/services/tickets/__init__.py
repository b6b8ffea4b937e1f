"""Tickets (接種券): the ten-digit number of a person, the 18-digit line, issuing, voiding, reissue."""
