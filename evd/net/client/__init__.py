"""HTTP from evd: a client for occasional requests, and the connection pool for pushes."""
