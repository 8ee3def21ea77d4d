"""Who somebody is and what they may do: the parts that need no database and no server.

- `jwt` issues and verifies access tokens; `jwks` publishes the keys they are verified by.
- `passwords` hashes and checks passwords; `refresh` decides what a refresh token is worth.
- `secrets_at_rest` makes API keys and client secrets and says what of them is stored.
- `oidc` asks an outside issuer for its keys (`issuer_keys`); `id_token` judges what it signed.
- `permissions` is the table of roles and scopes.

Time is `now`, in whole unix seconds. Randomness is an argument, except Argon2's salt.
"""
