"""What every route shares: who calls, one transaction a request, problems, pages of results."""
