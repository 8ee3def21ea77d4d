"""PostgreSQL: migrations, roles, and the one way into a tenant's rows."""
