"""The API's own descriptions: OpenAPI, the GraphQL schema, the pages that show both."""
