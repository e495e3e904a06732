"""The server: SPARQL and Cypher endpoints, and a page for each id (`kg.serve.app.create_app`)."""
