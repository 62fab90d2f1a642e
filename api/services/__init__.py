"""Reading and writing services, and what can go wrong, whatever door is used."""
