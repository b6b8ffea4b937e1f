"""Forms for every item about a person that is not a dose."""
