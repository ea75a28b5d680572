"""What pages show: questions to the database and the shelf, answered as plain data.

Pages, their JSON and the report that is one file are made from the same answers.
"""
