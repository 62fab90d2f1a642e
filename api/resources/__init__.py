"""One file for each resource: its REST handlers, over the view that GraphQL shares."""
