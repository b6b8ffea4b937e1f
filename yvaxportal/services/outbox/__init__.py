"""What other systems have to be told: posted with the change it follows from, delivered when they answer.

``deeds`` says what each kind of message does; ``queue`` posts, lists and withdraws them; ``delivery`` makes
the calls.
"""
