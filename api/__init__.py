"""What is published: REST, GraphQL and the `planrecord` command."""
