"""One reading of every request, and answers as HTTP knows them: what all doors share."""
