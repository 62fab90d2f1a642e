"""GraphQL over the same views as REST."""
